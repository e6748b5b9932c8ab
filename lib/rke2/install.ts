// EDGE. The stages that turn the first server into a cluster of one node.
import type { Lab } from '../lab/lab.ts'
import { forEach, type Stage } from '../shell/steps.ts'
import { planInstallOn } from './artifacts.ts'
import { planChecks, planNetworkRule } from './checks.ts'
import { awayFrom, checkNoOtherCluster, planTogether, type Start } from './cluster.ts'
import { ingressOf } from './config.ts'
import { untilNodeReady } from './ready.ts'
import { checkVersion } from './requirements.ts'
import { checkVipKnown } from './vip-checks.ts'
import { planVipAnswers, planVipIsFree } from './vip-steps.ts'
import { planConfig, planStart, rememberImports, type Edited } from './service.ts'
import { bringsNetwork, isReady } from './kube-nodes.ts'

/** The stage that looks whether RKE2 can work on the first server, if it has not run there yet. */
export const planLook = (lab: Lab, edited: Edited, { first, others }: Start): Stage =>
  forEach(`Check ${first.name}`, [first], () => planChecks(lab, first, edited, others))

/** The stages that are missing until the first server is Ready. Throws if something must be fixed first. */
export function planFirst(
  lab: Lab,
  edited: Edited,
  { first, others, vipIsSilent }: Start,
  seconds: number,
): Stage[] {
  const { name, node, state } = first
  const install = forEach(`Install on ${name}`, [first], () => {
    checkVersion(lab, state)
    if (!state.hasRun) checkNoOtherCluster(first, others)
    checkVipKnown(lab, [first, ...others], first)
    return state.version ? [] : planInstallOn(lab, node, ingressOf(lab, edited.server))
  })
  const start = forEach('Configure and start', [first], () => {
    const config = planConfig(lab, first, edited)
    return [
      ...(state.importsAgain ? [rememberImports(node)] : []),
      ...planNetworkRule(first),
      ...planVipIsFree(lab, first),
      ...config.steps,
      ...planStart(first, config.unread),
    ]
  })
  const steps = start.lanes.flatMap((lane) => lane.steps)
  const kube = state.nodes?.find((one) => one.name === name)
  const isUp = isReady(state, kube, lab.rke2)
  if (steps.length === 0 && isUp && !vipIsSilent) return []
  const goal = bringsNetwork(lab.rke2) ? 'has registered' : 'is Ready'
  const wait = forEach(`Wait until the node ${goal}`, [first], () => [
    untilNodeReady(lab, first, node, seconds, awayFrom(others)),
  ])
  const together = state.hasRun && !isUp ? planTogether(others) : []
  const shared = forEach('Wait until rke2.vip answers', [first], () =>
    planVipAnswers(lab, node, node, seconds),
  )
  return [
    ...(state.version ? [] : [install]),
    ...(steps.length > 0 ? [start] : []),
    ...together,
    { ...wait, watched: true },
    ...(lab.rke2.vip === undefined ? [] : [{ ...shared, watched: true }]),
  ]
}
