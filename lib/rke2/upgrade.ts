// EDGE. The stages that bring the nodes of a cluster to the lab's version of RKE2, one node at a time.
import * as ui from '../cli/ui.ts'
import { onNode } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab } from '../lab/lab.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, type Stage, type Step } from '../shell/steps.ts'
import { LabError, line, script, type Hint } from '../text/errors.ts'
import { planInstallOn } from './artifacts.ts'
import { untilCharts } from './charts.ts'
import { planRoom } from './checks.ts'
import { readyLeader, type Cluster } from './cluster.ts'
import { planDrain } from './drain.ts'
import { bringsNetwork, isOfVersion, isReady, kubectl, type KubeNode } from './kube-nodes.ts'
import { untilNodeReady } from './ready.ts'
import { planStart, reached, refusal, type Member } from './service.ts'
import { checkPath, pathWarnings, snapshotName, standing, type Installed } from './upgrade-path.ts'

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
const isInstalled = ({ rke2 }: Lab, { state }: Member): boolean =>
  state.version === rke2.version && !state.cutOff

/** The nodes to upgrade. Throws if the versions do not allow it. */
export function planUpgrade(
  lab: Lab,
  { all }: Pick<Cluster, 'all'>,
  leader: Member,
  more: Pick<Upgrade, 'ingress' | 'seconds' | 'drains'>,
): Upgrade {
  const isOurs = ({ state, trouble }: Member) => state.version !== undefined || trouble
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

const installedOn = (members: Member[]): Installed[] =>
  members.flatMap(({ name, node, state }) =>
    state.version === undefined ? [] : [{ name, role: node.role, version: state.version }],
  )

/** Throws if one of the nodes cannot go to the lab's version; warns of what changes with it. */
export function checkVersions({ rke2 }: Lab, all: Member[], ingress: string[]): void {
  const installed = installedOn(all)
  checkPath(rke2.version, installed)
  const warnings = installed.flatMap(({ version }) => pathWarnings(version, rke2.version, ingress))
  for (const warning of new Set(warnings)) ui.warn(warning)
}

const kubeOf = ({ state }: Member, { name }: Member) =>
  state.nodes?.find((one) => one.name === name)

function isDone(lab: Lab, one: Member, kube: KubeNode | undefined): boolean {
  if (!one.state.hasRun) return isInstalled(lab, one)
  const runs = kube && isReady(one.state, kube, lab.rke2) && !kube.marked
  return isInstalled(lab, one) && runs === true && isOfVersion(kube.version, lab.rke2.version)
}

/** Every node is fit for it: it can be reached, is Ready, and has room for the release. */
export const planPreflight = (upgrade: Upgrade): Stage =>
  forEach('Check every node', upgrade.members, (one) => planFit(upgrade, one))

// A node that an earlier run has begun with need not be Ready: it is the next one.
function planFit({ lab, leader }: Upgrade, one: Member): Step[] {
  if (one.trouble) return reached(one)
  if (isInstalled(lab, one)) return []
  const { name, node, state } = one
  if (!state.hasRun) return [planRoom(lab, one)]
  const kube = kubeOf(leader, one)
  const known = leader.state.nodes !== undefined || one === leader
  const isFit = !known || isReady(state, kube, lab.rke2)
  const ready = bringsNetwork(lab.rke2)
    ? `${kubectl} get node ${name}`
    : `${kubectl} wait --for=condition=Ready node/${name} --timeout=5s`
  const asked = `${commandOn(leader.node, ready, { root: true })} >/dev/null`
  const why = kube?.trouble || `service ${state.service}`
  const error = new LabError(`it is not Ready (${why}), and an upgrade needs all nodes`, {
    details: ['nothing was changed'],
    hint: [script('start', name), typedOn(node, `sudo journalctl --unit rke2-* --lines 50`)],
  })
  return [
    isFit ? { do: 'check', bash: asked, holds: async () => {} } : refusal(asked, error),
    planRoom(lab, one),
  ]
}

/** Saves etcd on the first server, while no server has changed yet. */
export function planSnapshot({ lab, leader, members }: Upgrade): Stage[] {
  const servers = members.filter(({ node }) => node.role === 'server')
  if (servers.some(({ state }) => state.version === lab.rke2.version)) return []
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
  const nodes = leader.state.nodes ?? members.map(unknownNode)
  const kube = nodes.find((kube) => kube.name === name) ?? unknownNode(one)
  const without = script('upgrade', '--no-drain')
  const drain = planDrain(leader.node, kube, nodes, without)
  // What it is drained for comes after the drain: when that is there, it was drained.
  const before = drains && !isThere ? drain.before : []
  const after = before.length > 0 || kube.marked ? drain.after : []
  const restarts = !isThere || state.outdated || !state.service.startsWith('activ')
  return [
    ...before,
    ...(isThere ? [] : planInstallOn(lab, node, ingress)),
    ...(restarts ? planStart(one, true) : []),
    untilNodeReady(lab, one, leader.node, seconds, [], lab.rke2.version),
    ...after,
    ...(node.role === 'server' ? [untilCharts(node, seconds)] : []),
  ]
}

// While a server's API does not answer, nobody knows.
const unknownNode = ({ name }: Member): KubeNode => ({
  name,
  ready: true,
  trouble: '',
  heartbeat: '',
  roles: [],
  version: '',
  cordoned: false,
  marked: false,
})

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
      line('# when that is fixed, this goes on: ', script('upgrade')),
      ...wayBack(lab),
    ],
    cause: error,
  })
}

const wayBack = (lab: Lab): Hint[] => [
  `# the way back, with ${snapshotName(lab.rke2.version)}: tutorials/20-upgrade.md, "The way back"`,
]
