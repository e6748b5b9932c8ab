// An upgrade that fails in the middle, and goes on once that is fixed, on real machines. RKE2 is played by the stand-in.
import type { Test } from 'tap'
import { makeRelease } from '../../stand-in/release.ts'
import type { Rig } from '../rig.ts'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'

/** A lab of which every node is Ready; at the end its nodes run another version, and its lab file says so. */
interface Upgraded {
  rig: Rig
  work: Workspace
  run: Runner
  /** What is in its lab file. */
  lab: { name: string; [key: string]: unknown }
  /** Its nodes, the only server first. */
  nodes: string[]
  from: string
  to: string
}

export async function upgradeAndBack(t: Test, of: Upgraded): Promise<void> {
  const { rig, work, run, lab, nodes, from, to } = of
  const [server = '', broken = '', ...others] = nodes
  const written = (version: string) =>
    work.writeLab({ ...lab, rke2: { ...(lab.rke2 as object), version } })
  interface Node {
    metadata: { name: string }
    spec: { unschedulable?: boolean }
    status: { nodeInfo: { kubeletVersion: string } }
  }
  const seen = async (): Promise<Record<string, string>> => {
    const { items } = JSON.parse(await run.kubectl('get', 'nodes', '-o', 'json')) as {
      items: Node[]
    }
    return Object.fromEntries(
      items.map(({ metadata, spec, status }) => [
        metadata.name,
        status.nodeInfo.kubeletVersion + (spec.unschedulable ? ' cordoned' : ''),
      ]),
    )
  }
  const all = (version: string) => Object.fromEntries(nodes.map((name) => [name, version]))
  const installed = (node: string) => work.ssh(node, '/usr/local/bin/rke2 --version')

  await t.test('a version that skips a minor one is refused', async (t) => {
    written(to.replace(/^v1\.(\d+)/, (_, minor) => `v1.${Number(minor) + 1}`))
    const { exitCode, stderr } = await run.script('upgrade')
    t.equal(exitCode, 1)
    t.match(stderr, 'no minor version may be skipped')
    t.strictSame(await seen(), all(from))
  })

  await t.test('a node whose new RKE2 does not start stops it', async (t) => {
    await makeRelease(rig.served, { version: to })
    written(to)
    const fault = JSON.stringify({ 'crash-loop': 'the new version does not want to' })
    await work.ssh(broken, `echo '${fault}' | sudo tee /etc/rke2-stand-in.json`)
    const { exitCode, stderr } = await run.script('upgrade')
    t.equal(exitCode, 1)
    t.match(stderr, `✗ ${broken}: `)
    t.match(stderr, 'the new version does not want to')
    t.match(stderr, `at ${to}: ${server}`)
    t.match(stderr, `stopped at ${broken}`)
    if (others.length > 0) t.match(stderr, `still at ${from}: ${others.join(', ')}`)
    t.strictSame(await seen(), {
      ...all(from),
      [server]: to,
      [broken]: `${from} cordoned`,
    })
    t.match(await installed(broken), to)
    t.match(
      await work.ssh(server, 'sudo ls /var/lib/rancher/rke2/server/db/snapshots'),
      /^before-/m,
    )
  })

  await t.test('fixed and run again, it goes on from there', async (t) => {
    await work.ssh(broken, 'sudo rm /etc/rke2-stand-in.json')
    const { stderr } = await run.succeeds(t, 'upgrade')
    t.notMatch(stderr, `Upgrade ${server}`)
    t.strictSame(await seen(), all(to))
    for (const node of nodes) t.match(await installed(node), to)
    const jobs = await run.kubectl('get', 'jobs', '--namespace', 'kube-system', '-o', 'name')
    t.match(jobs, 'helm-install-rke2-canal')
    for (const script of ['upgrade', 'install-rke2', 'join']) {
      const again = await run.succeeds(t, script)
      t.match(again.stderr, 'nothing to do')
    }
  })
}
