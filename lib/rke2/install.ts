// EDGE. The stages that turn the first server into a cluster of one node.
import type { Lab } from '../lab/lab.ts'
import { forEach, type Stage } from '../shell/steps.ts'
import { planInstallOn } from './artifacts.ts'
import { planChecks, planNetworkRule } from './checks.ts'
import { checkNoOtherCluster, type Start } from './cluster.ts'
import { untilNodeReady } from './ready.ts'
import { checkVersion } from './requirements.ts'
import { planConfig, planStart, type Edited } from './service.ts'
import { isReady } from './state.ts'

/** The stage that looks whether RKE2 can work on the first server, if it has not run there yet. */
export const planLook = (lab: Lab, edited: Edited, { first, others }: Start): Stage =>
  forEach(`Check ${first.name}`, [first], () => planChecks(lab, first, edited, others))

/** The stages that are missing until the first server is Ready. Throws if something must be fixed first. */
export function planFirst(
  lab: Lab,
  edited: Edited,
  { first, others }: Start,
  seconds: number,
): Stage[] {
  const { name, node, state } = first
  const install = forEach(`Install on ${name}`, [first], () => {
    checkVersion(lab, state)
    checkNoOtherCluster(first, others)
    return state.version ? [] : planInstallOn(lab, node)
  })
  const config = planConfig(lab, first, edited)
  const steps = [...planNetworkRule(first), ...config.steps, ...planStart(first, config.unread)]
  const kube = state.nodes?.find((one) => one.name === name)
  if (steps.length === 0 && isReady(state, kube)) return []
  const start = forEach('Configure and start', [first], () => steps)
  const wait = forEach('Wait until the node is Ready', [first], () => [
    untilNodeReady(first, node, seconds),
  ])
  return [
    ...(state.version ? [] : [install]),
    ...(steps.length > 0 ? [start] : []),
    { ...wait, watched: true },
  ]
}
