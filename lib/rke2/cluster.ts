// EDGE. What concerns more than one node: which server leads, and whether there is a cluster already.
import { existsSync } from 'node:fs'
import { publicHostKey } from '../guest/keys.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { eachOf, type Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, type Check } from '../shell/steps.ts'
import { LabError, line, script } from '../text/errors.ts'
import { untilNodeReady } from './ready.ts'
import { checkVersion } from './requirements.ts'
import { lookAt, refusal, type Member } from './service.ts'
import { kubectl } from './state.ts'

export const servers = (lab: Lab) => lab.nodes.filter(({ role }) => role === 'server')

/** The first server of the lab file. */
export function firstServer(lab: Lab): Node {
  const [first] = servers(lab)
  if (!first) throw new Error('a checked lab has a server')
  return first
}

export interface Start {
  first: Member
  /** The other servers, asked where the first is new: they may carry the cluster. */
  others: Member[]
}

/** Asks the first server, and others where that matters. */
export async function lookAtFirst(lab: Lab): Promise<Start> {
  const first = await lookAt(firstServer(lab))
  const isNew = !first.trouble && !first.state.hasRun
  return { first, others: isNew ? await eachOf(servers(lab).slice(1), lookAt) : [] }
}

const namesOf = (members: Member[]) => members.map(({ name }) => name)

/** Throws where a new first server would start a second cluster while others carry the first one. */
export function checkNoOtherCluster({ name }: Member, others: Member[]): void {
  const silent = others.filter(({ node, trouble }) => trouble && existsSync(publicHostKey(node)))
  if (silent.length > 0)
    throw new LabError(
      `it is new, and ${namesOf(silent).join(' and ')} cannot be asked whether the cluster is there already`,
      {
        details: ['installing here could begin a second cluster'],
        hint: [script('create', ...namesOf(silent)), '# then run this again'],
      },
    )
  const living = others.filter(({ state }) => state.hasRun)
  if (living.length > 0)
    throw new LabError(
      `it is new, but the cluster is there already, on ${namesOf(living).join(' and ')}`,
      {
        details: ['installing here would begin a second cluster'],
        hint: line(script('join', name), '   # joins it to the one there is'),
      },
    )
}

export interface Cluster {
  leader: Member
  joiners: Member[]
  /** What stands in the way while no server runs. */
  lacking: Check[]
}

/** Asks the servers of the lab, and the nodes that are to join. */
export async function lookAtCluster(lab: Lab, nodes: Node[]): Promise<Cluster> {
  const asked = lab.nodes.filter((node) => node.role === 'server' || nodes.includes(node))
  const members = await eachOf(asked, lookAt)
  const { leader, lacking } = findLeader(members.filter(({ node }) => node.role === 'server'))
  const joiners = members.filter((one) => one !== leader && nodes.includes(one.node))
  return { leader, joiners, lacking }
}

/** The server that newcomers join: the first one whose RKE2 runs; of several, the first that is a Ready node by its own
 *  word. While none runs it is the first, with what stands in the way. */
export function findLeader(all: Member[]): Pick<Cluster, 'leader' | 'lacking'> {
  const active = all.filter(({ state }) => state.service === 'active')
  const leader = active.find(saysItIsReady) ?? active[0]
  if (leader) return { leader, lacking: [] }
  const [first] = all
  if (!first) throw new Error('a checked lab has a server')
  const error = new LabError('no server of this lab runs RKE2 yet', {
    details: all.flatMap(({ trouble }) => trouble?.message ?? []).slice(0, 1),
    hint: script('install-rke2'),
  })
  const runs = typedOn(first.node, 'systemctl is-active rke2-server')
  return { leader: first, lacking: [refusal(`${runs} >/dev/null`, error)] }
}

const saysItIsReady = ({ name, state }: Member) =>
  state.nodes?.some((one) => one.name === name && one.ready) ?? false

/** The leader once it is a Ready node itself, with the nodes that it knows then. */
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
  if (saysItIsReady(leader)) return leader
  await shell.apply({ ...wait, watched: true })
  const { nodes } = (await lookAt(node)).state
  if (nodes) return { ...leader, state: { ...leader.state, nodes } }
  const listing = typedOn(node, `sudo ${kubectl} get nodes`)
  const error = new LabError(`the API of ${name} does not answer`, { hint: listing })
  await shell.apply(inOrder(`Ask ${name} for its nodes`, [refusal(`${listing} >/dev/null`, error)]))
  return leader
}
