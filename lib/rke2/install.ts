// EDGE. The steps that make the first server a cluster of one node.
import type { Lab } from '../lab/lab.ts'
import type { Step } from '../shell/steps.ts'
import { planInstallOn } from './artifacts.ts'
import { checkNoOtherCluster, type Start } from './cluster.ts'
import { untilNodeReady } from './ready.ts'
import { checkNeeds, checkVersion } from './requirements.ts'
import { planConfig, planStart, type Edited } from './service.ts'
import { isReady } from './state.ts'

/** The steps that are missing until the first server is Ready. Throws what cannot be changed here. */
export function planFirst(
  lab: Lab,
  edited: Edited,
  { first, others }: Start,
  seconds: number,
): Step[] {
  const { name, node, state } = first
  checkVersion(lab, state)
  if (!state.hasRun) checkNeeds(node, state)
  checkNoOtherCluster(first, others)
  const config = planConfig(lab, first, edited)
  const start = planStart(first, config.unread)
  const kube = state.nodes?.find((one) => one.name === name)
  if (start.length === 0 && isReady(state, kube)) return []
  return [
    ...(state.version ? [] : planInstallOn(lab, node)),
    ...config.steps,
    ...start,
    untilNodeReady(node, node, seconds),
  ]
}
