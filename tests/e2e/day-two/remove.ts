// An agent, and the first of several servers, taken out of the cluster and off the host.
import type { Test } from 'tap'
import type { Host } from '../host.ts'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'
import type { Section } from './off-and-on.ts'

interface RawLab {
  name: string
  nodes: Record<string, unknown>[]
  [key: string]: unknown
}

/** Removes an agent of a lab whose nodes are Ready, from the lab file, too. */
export async function removeAgent(
  t: Test,
  {
    host,
    work,
    run,
    lab,
    node,
  }: { host: Host; work: Workspace; run: Runner; lab: RawLab; node: string },
): Promise<void> {
  const hint = await run.script('destroy', node, '--dry-run')
  t.match(hint.stderr, `${node} is still a node of it`)
  const { stderr } = await run.succeeds(t, 'remove', node, '--yes')
  t.match(stderr, `delete node ${node}`)
  t.notMatch(await run.kubectl('get', 'nodes', '-o', 'name'), node)
  t.notMatch(JSON.stringify(await host.inventory()), node, 'nothing of it is on the host')
  const again = await run.succeeds(t, 'remove', node, '--yes')
  t.match(again.stderr, `nothing to remove: ${node} is no node of the cluster`)
  lab.nodes = lab.nodes.filter(({ name }) => name !== node)
  work.writeLab(lab)
  const { stdout } = await run.succeeds(t, 'status', '--json')
  t.match(JSON.parse(stdout), { nodes: [{ kubernetes: { ready: true } }] })
}

/** Removes the first server of a lab of several whose nodes are Ready: the next one takes over. The lab file follows. */
export async function removeFirstServer(
  t: Test,
  {
    host,
    hostOf = () => host,
    work,
    run,
    nodes,
    lab,
  }: Section & { lab: RawLab & { rke2: { vip?: string } } },
): Promise<void> {
  const [first = '', heir = '', ...others] = nodes
  const left = [heir, ...others]
  const { vip } = lab.rke2
  const address = vip ?? String(lab.nodes.find(({ name }) => name === heir)?.address)
  const members = async () => {
    const file = '/var/lib/rancher/rke2/server/db/etcd/stand-in.json'
    const data = JSON.parse(await work.ssh(heir, `sudo cat ${file}`)) as {
      members: { name: string }[]
    }
    return data.members.map(({ name }) => name).sort()
  }
  t.strictSame(await members(), nodes)

  await run.succeeds(t, 'remove', first, '--yes')
  t.strictSame(await members(), left, 'etcd has no member of its name')
  t.match(await run.kubectl('config', 'view', '--minify'), `server: https://${address}:6443`)
  const list = await run.kubectl('get', 'nodes')
  for (const name of left) t.match(list, new RegExp(`^${name} +Ready .*control-plane`, 'm'))
  t.notMatch(list, first)
  const there = await hostOf(first).inventory()
  t.notMatch(JSON.stringify(there), first, 'nothing of it is on its host')

  lab.nodes = lab.nodes.filter(({ name }) => name !== first)
  work.writeLab(lab)
  for (const name of others) await work.ssh(name, 'sudo systemctl restart rke2-server')
  for (const script of ['install-rke2', 'join', 'start'])
    t.match((await run.succeeds(t, script)).stderr, 'nothing to do', `${script} sees all Ready`)
  const { stdout } = await run.succeeds(t, 'status', '--json')
  t.match(
    JSON.parse(stdout),
    { nodes: left.map((name) => ({ name, kubernetes: { ready: true } })) },
    'the others start without it',
  )
}
