// An upgrade that is killed in the middle and continues, and one that fails there and is undone, on real machines. RKE2 is
// played by the stand-in.
import type { Test } from 'tap'
import { makeRelease } from '../../stand-in/release.ts'
import type { Rig } from '../rig.ts'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'
import { foreignDomain } from './off-and-on.ts'

/** A lab of which every node is Ready. */
interface Upgraded {
  rig: Rig
  work: Workspace
  run: Runner
  /** What is in its lab file. */
  lab: { name: string; [key: string]: unknown }
  /** Its nodes, the first server first. */
  nodes: string[]
  from: string
  to: string
}

function looks({ work, run, lab, nodes }: Upgraded) {
  interface Node {
    metadata: { name: string }
    spec: { unschedulable?: boolean }
    status: { nodeInfo: { kubeletVersion: string }; conditions: { type: string; status: string }[] }
  }
  const remark = ({ spec, status }: Node) => [
    ...(spec.unschedulable ? ['cordoned'] : []),
    ...(status.conditions.some((one) => one.type === 'Ready' && one.status === 'True')
      ? []
      : ['not ready']),
  ]
  return {
    /** Writes another version into the lab file. */
    written: (version: string) =>
      work.writeLab({ ...lab, rke2: { ...(lab.rke2 as object), version } }),
    /** Version and troubles of each node, as the cluster says. */
    seen: async (): Promise<Record<string, string>> => {
      const list = await run.kubectl('get', 'nodes', '-o', 'json')
      const { items } = JSON.parse(list) as { items: Node[] }
      return Object.fromEntries(
        items.map((node) => [
          node.metadata.name,
          [node.status.nodeInfo.kubeletVersion, ...remark(node)].join(' '),
        ]),
      )
    },
    all: (version: string) => Object.fromEntries(nodes.map((name) => [name, version])),
    installed: (node: string) => work.ssh(node, '/usr/local/bin/rke2 --version'),
    /** Lets one version of RKE2 fail on a node. */
    breaks: (node: string, version: string, text: string) =>
      work.ssh(
        node,
        `echo '${JSON.stringify({ 'crash-loop': { [version]: text } })}' | sudo tee /etc/rke2-stand-in.json`,
      ),
  }
}

/** One server of three fails at the new version; all of the lab goes back to what it was before. */
export async function upgradeTakenBack(t: Test, of: Upgraded): Promise<void> {
  const { rig, work, run, nodes, from, to } = of
  const { written, seen, all, installed, breaks } = looks(of)
  const [first = '', broken = '', ...others] = nodes
  const manifest = 'tutorials/manifests/configmap.yaml'
  const name = 'before-v1-37-0'
  const other = await foreignDomain(rig)
  const theirs = await other.look()

  await t.test('the second server stops it', async (t) => {
    await makeRelease(rig.served, { version: to })
    written(to)
    await breaks(broken, to, 'the new version does not want to')
    await run.kubectl('apply', '-f', manifest)
    const { exitCode, stderr } = await run.script('upgrade', '--snapshot')
    t.equal(exitCode, 1)
    t.match(stderr, 'the new version does not want to')
    t.match(stderr, `at ${to}: ${first}`)
    t.match(stderr, `stopped at ${broken}`)
    t.match(stderr, `still at ${from}: ${others.join(', ')}`)
    t.match(stderr, 'upgrade.ts --rollback', 'it says the way back')
    const now = await seen()
    t.strictSame([now[first], ...others.map((one) => now[one])], [to, ...others.map(() => from)])
    t.match(now[broken], `${from} cordoned`)
    const { stdout } = await run.succeeds(t, 'snapshot', 'list', '--json')
    t.match(JSON.parse(stdout), { snapshots: [{ name, machines: nodes, remark: null }] })
    await run.kubectl('delete', '-f', manifest)
  })

  await t.test('--rollback: every node is Ready at the old version, data included', async (t) => {
    await run.succeeds(t, 'upgrade', '--rollback', '--yes')
    t.strictSame(await seen(), all(from))
    for (const node of nodes) t.match(await installed(node), from)
    await run.kubectl('get', '-f', manifest)
    written(from)
    t.match((await run.succeeds(t, 'upgrade')).stderr, 'nothing to do')
    await work.ssh(broken, 'sudo rm /etc/rke2-stand-in.json')
    await run.succeeds(t, 'snapshot', 'remove', name, '--yes')
  })

  t.equal(await other.look(), theirs, 'the domain of someone else is as it was')
  await other.remove()
}

/** It is killed in the middle; the next run continues from there. The lab file has the new version then. */
export async function upgradeGoesOn(t: Test, of: Upgraded): Promise<void> {
  const { rig, work, run, nodes, from, to } = of
  const { written, seen, all, installed } = looks(of)
  const [server = '', next = ''] = nodes

  await t.test('a version that skips a minor one is refused', async (t) => {
    written(to.replace(/^v1\.(\d+)/, (_, minor) => `v1.${Number(minor) + 1}`))
    const { exitCode, stderr } = await run.script('upgrade')
    t.equal(exitCode, 1)
    t.match(stderr, 'no minor version may be skipped')
    t.strictSame(await seen(), all(from))
  })

  await t.test('killed when the first node is done', async (t) => {
    await makeRelease(rig.served, { version: to })
    written(to)
    const child = rig.host.spawn(work.command('upgrade'), work.options)
    let said = ''
    await new Promise((resolve) => {
      child.once('exit', resolve)
      child.stderr!.on('data', (data) => {
        said += String(data)
        if (said.includes(`\nUpgrade ${next}`)) rig.host.signal(child, 'SIGKILL', { group: true })
      })
    })
    run.output.push(said)
    t.match(said, `Upgrade ${next}`)
    t.match(await seen(), {
      ...all(from),
      [server]: to,
      [next]: new RegExp(`^${from.replace('+', '.')}`),
    })
    t.match(
      await work.ssh(server, 'sudo ls /var/lib/rancher/rke2/server/db/snapshots'),
      /^before-/m,
    )
  })

  await t.test('run again, it continues from there', async (t) => {
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
