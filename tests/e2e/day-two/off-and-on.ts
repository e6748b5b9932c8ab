// Off and on of a lab whose nodes are Ready, beside a domain of someone else.
import type { Test } from 'tap'
import type { Host } from '../host.ts'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'

export interface Section {
  host: Host
  work: Workspace
  run: Runner
  nodes: string[]
  /** The host that a machine is on, where there are several. */
  hostOf?: (node: string) => Host
}

const uri = ['virsh', '-c', 'qemu:///system']

/** Defines a domain of someone else, with a snapshot; gives a look at all of it, and its removal. */
export async function foreignDomain({ host }: Pick<Section, 'host'>) {
  const virsh = (...words: string[]) => host.run([...uri, ...words])
  const xml =
    '<domain type="qemu"><name>other</name><memory>65536</memory><os><type arch="x86_64" machine="q35">hvm</type></os></domain>'
  await host.run(['bash', '-c', `f=$(mktemp) && echo '${xml}' >$f && ${uri.join(' ')} define $f`])
  await virsh('start', 'other')
  const look = async () =>
    `${await virsh('dumpxml', 'other')}${await virsh('domstate', 'other')}${await virsh('domid', 'other')}`
  const remove = async () => {
    await virsh('destroy', 'other')
    await virsh('undefine', 'other')
    await host.run(['rm', '/var/log/libvirt/qemu/other.log'])
  }
  return { look, remove }
}

/** What the cluster says of its nodes, and the boot that each machine is in. */
export async function readyNodes(t: Test, { run, work, nodes }: Section): Promise<string[]> {
  const list = await run.kubectl('get', 'nodes')
  const seen = nodes.map((node) => t.match(list, new RegExp(`${node} +Ready`)))
  if (seen.includes(false)) t.comment((await run.script('status')).stdout, list)
  const boots: string[] = []
  for (const node of nodes) boots.push(await work.ssh(node, 'cat /proc/sys/kernel/random/boot_id'))
  return boots
}

/** Stop and start: machines are off cleanly, and every node is Ready after a new boot. */
export async function offAndOn(
  t: Test,
  section: Section,
  whileOff = async (): Promise<void> => {},
): Promise<void> {
  const { host, run, nodes, hostOf = () => host } = section
  const other = await foreignDomain(section)
  const theirs = await other.look()
  const before = await readyNodes(t, section)

  await run.succeeds(t, 'stop')
  for (const node of nodes)
    t.match(
      await hostOf(node).run([...uri, 'domstate', '--reason', node]),
      'shut off (shutdown)',
      `${node}: cleanly`,
    )
  t.match((await run.succeeds(t, 'stop')).stderr, 'nothing to do: every machine is off')
  await whileOff()
  await run.succeeds(t, 'start')
  const after = await readyNodes(t, section)
  for (const [index, node] of nodes.entries()) t.not(after[index], before[index], `${node} booted`)
  t.match((await run.succeeds(t, 'start')).stderr, 'nothing to do: every machine is on')

  t.equal(await other.look(), theirs, 'the domain of someone else is as it was')
  await other.remove()
}
