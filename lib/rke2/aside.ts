// EDGE. Sets a node aside while its machine is worked on: its pods move to other nodes, and may come again afterwards.
import type { Lab, Node } from '../lab/lab.ts'
import { commandOn } from '../guest/ssh.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach } from '../shell/steps.ts'
import { LabError, script, type Hint } from '../text/errors.ts'
import { lookAtCluster } from './cluster.ts'
import { planDrain, planUncordon, type Drain } from './drain.ts'
import { kubectl } from './kube-nodes.ts'
import { refusal } from './service.ts'
import { planVipMoves } from './vip-steps.ts'

const nothing: Drain = { before: [], after: [] }

/** The steps before and after work on a node; none for one that is no member of a cluster. `without`: how to work on it without
 *  a drain. */
export async function planAside(
  lab: Lab,
  node: Node,
  { drains, without }: { drains: boolean; without: Hint },
  shell: Shell,
): Promise<Drain> {
  const { leader, servers } = await shell.look('Look at the cluster', () => lookAtCluster(lab, []))
  const { nodes: all } = leader.state
  const kube = all?.find(({ name }) => name === node.name)
  if (all && !kube) return nothing
  if (!all || !kube) {
    const isCluster = servers.some(({ state, trouble }) => trouble ?? state.hasRun)
    return drains && isCluster ? { ...nothing, before: [noAnswer(leader.node, without)] } : nothing
  }
  const drain = planDrain(leader.node, kube, all, without)
  const moves = planVipMoves(lab, leader.node, node)
  return drains
    ? { ...drain, before: [...drain.before, ...moves] }
    : { before: moves, after: kube.marked ? planUncordon(leader.node, node.name) : [] }
}

function noAnswer(server: Node, without: Hint) {
  const answers = `${commandOn(server, `${kubectl} get nodes`, { root: true })} >/dev/null`
  return refusal(
    answers,
    new LabError('no server answers, so its pods cannot be moved to other nodes', {
      hint: [script('start'), '# or without moving them:', without],
    }),
  )
}

/** Lets pods come again to those of the nodes that an interrupted run has left cordoned. */
export async function endAside(lab: Lab, nodes: Node[], shell: Shell): Promise<void> {
  const { leader } = await shell.look('Look at the cluster', () => lookAtCluster(lab, []))
  const left = (leader.state.nodes ?? []).filter(
    ({ name, marked }) => marked && nodes.some((node) => node.name === name),
  )
  if (left.length === 0) return
  await shell.apply(forEach('Uncordon', left, ({ name }) => planUncordon(leader.node, name)))
}
