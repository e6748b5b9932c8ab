// Faults put into real machines on purpose: check sees each, and undo takes it back.
import type { Test } from 'tap'
import { drills } from '../../../lib/drills/drills.ts'
import { readyNodes, type Section } from './off-and-on.ts'

/** What the machines show while a drill is on, where that is not what the others show as well. */
const shows: Record<
  string,
  (section: Section, node: string) => Promise<[string, string | RegExp]>
> = {
  hanging: async ({ host }, node) => [
    await host.run(['virsh', '-c', 'qemu:///system', 'domstate', node]),
    'paused',
  ],
  unreachable: async ({ work }, node) => [
    await work.ssh(node, 'true').catch(String),
    /timed out|No route to host/,
  ],
  pending: async ({ run }) => [await run.kubectl('get', 'nodes'), 'SchedulingDisabled'],
  evicting: async ({ work }, node) => [await work.ssh(node, 'df /'), /9\d%/],
  mistrusting: async ({ work }, node) => [
    await work.ssh(node, 'date +%Y'),
    String(new Date().getFullYear() - 2),
  ],
}

/** Those for which the fake host is enough (tests/scripts/drill.test.ts). */
const onFakeHost = ['no-api', 'pending', 'not-ready']

/** Each drill that needs a real machine: begun, seen, refused by check, undone; and one that is repaired by hand. */
export async function breakAndRepair(t: Test, section: Section): Promise<void> {
  const { run, work, nodes } = section
  const node = nodes.at(-1) ?? ''
  for (const { name } of drills.filter((one) => !onFakeHost.includes(one.name))) {
    await run.succeeds(t, 'drill', 'start', name, '--yes')
    if (shows[name]) t.match(...(await shows[name](section, node)), name)
    const { exitCode, stderr } = await run.script('drill', 'check')
    t.strictSame([exitCode, /not repaired yet/.test(stderr)], [1, true], `${name}: ${stderr}`)
    await run.succeeds(t, 'drill', 'undo')
    await readyNodes(t, section)
  }

  await run.succeeds(t, 'drill', 'start', 'not-ready', '--yes')
  await work.ssh(node, 'sudo systemctl enable --now rke2-agent')
  const end = Date.now() + 60_000
  let last = await run.script('drill', 'check')
  while (last.exitCode !== 0 && Date.now() < end) last = await run.script('drill', 'check')
  t.match(last.stderr, /repaired after .*, with no hints/)
  await readyNodes(t, section)
}
