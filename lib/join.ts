// EDGE. One node's way into the cluster.
import { bringToken, checkServerFromNode, clearOldNode } from './cluster.ts'
import type { Lab, Node } from './lab.ts'
import type { NodeProgress } from './node-progress.ts'
import { installOn, type Artifacts } from './rke2-artifacts.ts'
import { checkClock, checkNeeds, checkVersion } from './rke2-checks.ts'
import { ensureConfig, kubeNodes, startService, waitForRke2 } from './rke2-node.ts'
import type { Rke2State } from './rke2-state.ts'

export interface Joining {
  lab: Lab
  leader: Node
  leaderState: Rke2State
  artifacts: Artifacts | undefined
  progress: NodeProgress
  /** Deadline for each node, seconds. */
  seconds: number
}

// A running agent does not register again when its Node was deleted, or the cluster made anew.
async function isForgotten(lab: Lab, leader: Node, { name }: Node): Promise<boolean> {
  const known = await kubeNodes(lab, leader)
  return known !== undefined && !known.some((node) => node.name === name)
}

/** Makes the node a Ready member of the cluster; what is done already is left as it is. */
export async function joinNode(node: Node, state: Rke2State, joining: Joining): Promise<void> {
  const { lab, leader, leaderState, artifacts, progress, seconds } = joining
  checkVersion(lab, node, state)
  if (!state.version && artifacts) {
    checkNeeds(lab, node, state)
    progress.set(node.name, 'installing')
    await installOn(lab, node, artifacts)
  }
  const changed = await ensureConfig(lab, node, state, leader)
  const starts = state.service !== 'active' || changed || (await isForgotten(lab, leader, node))
  if (starts) {
    checkClock(node, state, leader, leaderState)
    await clearOldNode(lab, leader, node, state, seconds)
    await bringToken(lab, leader, node)
    await checkServerFromNode(lab, leader, node)
  }
  // Anew even where it is trying already: only then does it read the token that was brought.
  const since = await startService(lab, node, state, starts)
  await waitForRke2(lab, node, { seconds, progress, teller: leader, since })
}
