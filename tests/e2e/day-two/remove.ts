// An agent taken out of the cluster and off the host.
import type { Test } from 'tap'
import type { Host } from '../host.ts'
import type { Runner } from '../runner.ts'
import type { Workspace } from '../workspace.ts'

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
