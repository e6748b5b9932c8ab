// EDGE. The stages that bring the nodes of a cluster to the lab's version of RKE2, one node at a time.
import { onNode } from '../guest/on-node.ts'
import type { Lab } from '../lab/lab.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, type Stage, type Step } from '../shell/steps.ts'
import { LabError, line, script, type Hint } from '../text/errors.ts'
import { planInstallOn } from './artifacts.ts'
import { untilCharts } from './charts.ts'
import { readyLeader, type Cluster } from './cluster.ts'
import { planDrain } from './drain.ts'
import { isOfVersion, isReady, unseenNode, type KubeNode } from './kube-nodes.ts'
import { untilNodeReady } from './ready.ts'
import { planStart, type Member } from './service.ts'
import { planVipMoves } from './vip-steps.ts'
import { snapshotName, standing, type Installed } from './upgrade-path.ts'

/** A cluster on its way to the lab's version. */
export interface Upgrade {
  lab: Lab
  leader: Member
  /** The nodes with RKE2, servers first. */
  members: Member[]
  /** Those of them that are not there yet. */
  todo: Member[]
  ingress: string[]
  seconds: number
  drains: boolean
}

/** Whether the lab's version is installed, whole. */
export const isInstalled = ({ rke2 }: Lab, { state }: Member): boolean =>
  state.version === rke2.version && !state.cutOff

/** The nodes to upgrade, in their order. */
export function planUpgrade(
  lab: Lab,
  { all }: Pick<Cluster, 'all'>,
  leader: Member,
  more: Pick<Upgrade, 'ingress' | 'seconds' | 'drains'>,
): Upgrade {
  const isOurs = (one: Member) =>
    one.trouble ? !leader.state.nodes || kubeOf(leader, one) : one.state.version !== undefined
  const members = (['server', 'agent'] as const).flatMap((role) => {
    const some = all.filter((one) => one.node.role === role && isOurs(one))
    // What an earlier run has begun with comes first.
    return [
      ...some.filter((one) => isInstalled(lab, one)),
      ...some.filter((one) => !isInstalled(lab, one)),
    ]
  })
  const todo = members.filter((one) => !isDone(lab, one, kubeOf(leader, one)))
  return { lab, leader, members, todo, ...more }
}

/** The server that the nodes are seen through. If an earlier run has begun with it, it is waited for first. */
export async function leaderOf(
  lab: Lab,
  seen: Cluster,
  seconds: number,
  shell: Shell,
): Promise<Member> {
  const { leader } = seen
  if (!isInstalled(lab, leader)) return leader
  return readyLeader(lab, seen, seconds, shell).catch((error: unknown) => {
    const upgrade = planUpgrade(lab, seen, leader, { ingress: [], seconds, drains: true })
    throw stopped(upgrade, leader, error)
  })
}

/** The versions that are installed on them. */
export const installedOn = (members: Member[]): Installed[] =>
  members.flatMap(({ name, node, state }) =>
    state.version === undefined ? [] : [{ name, role: node.role, version: state.version }],
  )

/** What the leader knows of a node. */
export const kubeOf = ({ state }: Member, { name }: Member) =>
  state.nodes?.find((one) => one.name === name)

function isDone(lab: Lab, one: Member, kube: KubeNode | undefined): boolean {
  if (!one.state.hasRun) return isInstalled(lab, one)
  const runs = kube && isReady(one.state, kube, lab.rke2) && !kube.marked
  return isInstalled(lab, one) && runs === true && isOfVersion(kube.version, lab.rke2.version)
}

/** Whether a server has the lab's version already, so that it is too late to save what was before. */
export const isBegun = ({ lab, members }: Upgrade): boolean =>
  members.some(({ node, state }) => node.role === 'server' && state.version === lab.rke2.version)

/** Saves etcd on the first server, while no server has changed yet. */
export function planSnapshot(upgrade: Upgrade): Stage[] {
  const { lab, leader } = upgrade
  if (isBegun(upgrade)) return []
  const name = snapshotName(lab.rke2.version)
  const save = `/usr/local/bin/rke2 etcd-snapshot save --name ${name}`
  return [
    inOrder(`Snapshot of etcd on ${leader.name}: ${name}`, [
      onNode(leader.node, save, { root: true }),
    ]),
  ]
}

/** The stage that upgrades a node: drained, installed, restarted, Ready at the new version, open for pods again. */
export const planNode = (upgrade: Upgrade, one: Member): Stage => ({
  ...forEach(`Upgrade ${one.name}`, [one], () => stepsOn(upgrade, one)),
  watched: true,
})

function stepsOn(upgrade: Upgrade, one: Member): Step[] {
  const { lab, leader, members, ingress, seconds, drains } = upgrade
  const { name, node, state } = one
  const isThere = isInstalled(lab, one)
  if (!state.hasRun) return planInstallOn(lab, node, ingress)
  const nodes = leader.state.nodes ?? members.map(unseenNode)
  const kube = nodes.find((kube) => kube.name === name) ?? unseenNode(one)
  const without = script('upgrade', '--no-drain')
  const drain = planDrain(leader.node, kube, nodes, without)
  // What it is drained for comes after the drain: when that is there, it was drained.
  const before = drains && !isThere ? drain.before : []
  const after = before.length > 0 || kube.marked ? drain.after : []
  const restarts = !isThere || state.outdated || !state.service.startsWith('activ')
  return [
    ...before,
    ...(restarts ? planVipMoves(lab, leader.node, node) : []),
    ...(isThere ? [] : planInstallOn(lab, node, ingress)),
    ...(restarts ? planStart(one, true) : []),
    untilNodeReady(lab, one, leader.node, seconds, [], lab.rke2.version),
    ...after,
    ...(node.role === 'server' ? [untilCharts(node, seconds)] : []),
  ]
}

/** The error of an upgrade that stopped at a node: also which nodes are new and which old, and the way on and back. */
export function stopped({ lab, members, todo }: Upgrade, at: Member, error: unknown): unknown {
  if (!(error instanceof LabError)) return error
  const rest = todo.slice(todo.indexOf(at) + 1)
  const done = members.filter((one) => one !== at && !rest.includes(one))
  const names = done.map(({ name }) => name)
  return new LabError(error.message, {
    details: [...error.details, ...standing(lab.rke2.version, names, at.name, installedOn(rest))],
    hint: [
      ...error.hint,
      line('# when that is fixed, this continues: ', script('upgrade')),
      ...wayBack,
    ],
    cause: error,
  })
}

const byHand = '# without it: tutorials/30-upgrade.md, "The way back"'
const wayBack: Hint[] = [
  line('# or back, if it was begun with --snapshot: ', script('upgrade', '--rollback')),
  byHand,
]

/** The error for a way back that was not saved. */
export const notSaved = (name: string): LabError =>
  new LabError(`there is no snapshot called ${name}: the upgrade was not started with --snapshot`, {
    details: ['nothing was changed'],
    hint: [byHand, script('snapshot', 'list')],
  })
