// EDGE. Questions about more than one node: which server leads, and whether a cluster already exists.
import { existsSync } from 'node:fs'
import { publicHostKey } from '../guest/keys.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { eachOf, type Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, type Check } from '../shell/steps.ts'
import { LabError, line, script } from '../text/errors.ts'
import { untilNodeReady } from './ready.ts'
import { checkVersion } from './requirements.ts'
import { lookAt, refusal, type Member } from './service.ts'
import { kubectl } from './state.ts'

const isServer = ({ role }: Node) => role === 'server'

/** The first server of the lab file. */
export const firstServer = (lab: Lab): Node => firstOf(lab.nodes.filter(isServer))

function firstOf<T>([first]: T[]): T {
  if (!first) throw new Error('a checked lab has a server')
  return first
}

export interface Start {
  first: Member
  /** The other servers if the first one is new: they may already form the cluster. */
  others: Member[]
}

/** Looks at the first server, and at the others if it is new. */
export async function lookAtFirst(lab: Lab): Promise<Start> {
  const first = await lookAt(firstServer(lab))
  if (first.trouble || first.state.hasRun) return { first, others: [] }
  return { first, others: await eachOf(lab.nodes.filter(isServer).slice(1), lookAt) }
}

const namesOf = (members: Member[]) => members.map(({ name }) => name)

/** Throws if a new first server would start a second cluster beside the one that other servers form. */
export function checkNoOtherCluster({ name }: Member, others: Member[]): void {
  const silent = others.filter(({ node, trouble }) => trouble && existsSync(publicHostKey(node)))
  if (silent.length > 0)
    throw new LabError(
      `it is new, and ${namesOf(silent).join(' and ')} cannot be asked whether the cluster already exists`,
      {
        details: ['installing here could start a second cluster'],
        hint: [script('create', ...namesOf(silent)), '# then run this again'],
      },
    )
  const living = others.filter(({ state }) => state.hasRun)
  if (living.length > 0)
    throw new LabError(
      `it is new, but the cluster already exists on ${namesOf(living).join(' and ')}`,
      {
        details: ['installing here would start a second cluster'],
        hint: line(script('join', name), '   # joins it to the existing cluster'),
      },
    )
}

export interface Cluster {
  leader: Member
  joiners: Member[]
  /** Fails while no server runs RKE2. */
  lacking: Check[]
}

/** Looks at the servers of the lab and at the nodes to join. */
export async function lookAtCluster(lab: Lab, nodes: Node[]): Promise<Cluster> {
  const asked = lab.nodes.filter((node) => isServer(node) || nodes.includes(node))
  const members = await eachOf(asked, lookAt)
  const { leader, lacking } = findLeader(members.filter(({ node }) => isServer(node)))
  const joiners = members.filter((one) => one !== leader && nodes.includes(one.node))
  return { leader, joiners, lacking }
}

/** The server that other nodes join: the first one that runs RKE2, or rather the first of these that reports itself as
 *  Ready. If none runs, the first server with a check that fails. */
export function findLeader(all: Member[]): Pick<Cluster, 'leader' | 'lacking'> {
  const active = all.filter(({ state }) => state.service === 'active')
  const leader = active.find(reportsReady) ?? active[0]
  if (leader) return { leader, lacking: [] }
  const first = firstOf(all)
  const error = new LabError('no server of this lab runs RKE2 yet', {
    details: all.flatMap(({ trouble }) => trouble?.message ?? []).slice(0, 1),
    hint: script('install-rke2'),
  })
  const runs = commandOn(first.node, 'systemctl is-active --quiet rke2-server')
  return { leader: first, lacking: [refusal(runs, error)] }
}

const reportsReady = ({ name, state }: Member) =>
  state.nodes?.some((one) => one.name === name && one.ready) ?? false

/** The leader once its own node is Ready, with the nodes that it knows by then. */
export async function readyLeader(
  lab: Lab,
  leader: Member,
  seconds: number,
  shell: Shell,
): Promise<Member> {
  const { name, node } = leader
  const wait = forEach(`Wait until ${name} is Ready`, [leader], ({ state }) => {
    checkVersion(lab, state)
    return [untilNodeReady(node, node, seconds)]
  })
  if (reportsReady(leader)) return leader
  await shell.apply({ ...wait, watched: true })
  const { nodes } = (await lookAt(node)).state
  if (nodes) return { ...leader, state: { ...leader.state, nodes } }
  const listing = `${kubectl} get nodes`
  const error = new LabError(`the API of ${name} does not answer`, {
    hint: typedOn(node, `sudo ${listing}`),
  })
  const answers = `${commandOn(node, listing, { root: true })} >/dev/null`
  await shell.apply(inOrder(`Ask ${name} for its nodes`, [refusal(answers, error)]))
  return leader
}
