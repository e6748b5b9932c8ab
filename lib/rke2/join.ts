// EDGE. One node's way into the cluster.
import { bringToken, checkServerFromNode, type Leader } from './cluster.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { nodeProgress, type NodeProgress } from '../cli/progress.ts'
import { clearOldNode } from './replaced-node.ts'
import { look } from '../phase.ts'
import { installOn, type Artifacts } from './artifacts.ts'
import { checkClock, checkNeeds, checkVersion } from './requirements.ts'
import { ensureConfig, kubeNodes, startService, waitForRke2 } from './service.ts'
import type { KubeNode, Rke2State } from './state.ts'
import { mode } from '../shell/shell.ts'

export interface Joining extends Leader {
  lab: Lab
  /** Kubernetes' nodes as the leader told them before; undefined when its API did not answer. */
  known: KubeNode[] | undefined
  artifacts: Artifacts | undefined
  progress: NodeProgress
  /** Deadline for each node, seconds. */
  seconds: number
}

/** Kubernetes' nodes as the leader tells them, once it is a Ready one itself; undefined in a dry run without an API. */
export async function knownNodes(
  lab: Lab,
  { leader, leaderState }: Leader,
  seconds: number,
): Promise<KubeNode[] | undefined> {
  const known = await kubeNodes(lab, leader)
  if (mode.dryRun || known?.some(({ name, ready }) => name === leader.name && ready)) return known
  const progress = nodeProgress([leader.name])
  const wait = { seconds, progress, teller: leader, since: leaderState.now }
  await look(`Wait until ${leader.name} is Ready`, () =>
    waitForRke2(lab, leader, wait).finally(() => progress.stop()),
  )
  return kubeNodes(lab, leader)
}

/** Makes the node a Ready member of the cluster; what is done already is left as it is. */
export async function joinNode(node: Node, state: Rke2State, joining: Joining): Promise<void> {
  const { lab, leader, leaderState, known, artifacts, progress, seconds } = joining
  checkVersion(lab, node, state)
  if (!state.version && artifacts) {
    checkNeeds(lab, node, state)
    progress.set(node.name, 'installing')
    await installOn(lab, node, artifacts)
  }
  const changed = await ensureConfig(lab, node, state, leader)
  // A running agent does not register again when its Node was deleted, or the cluster made anew.
  const isForgotten = known !== undefined && !known.some(({ name }) => name === node.name)
  const anew = state.service !== 'active' || changed || isForgotten
  if (anew) {
    checkClock(node, state, leader, leaderState)
    await clearOldNode(lab, leader, node, state, seconds)
    await bringToken(lab, leader, node)
    await checkServerFromNode(lab, leader, node)
  }
  // Anew even where it is trying already: only then does it read the token that was brought.
  const since = await startService(lab, node, state, anew)
  await waitForRke2(lab, node, { seconds, progress, teller: leader, since })
}
