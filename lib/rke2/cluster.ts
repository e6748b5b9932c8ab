// EDGE. Questions about more than one node: which server leads, and whether a cluster already exists.
import { existsSync } from 'node:fs'
import { publicHostKey } from '../guest/keys.ts'
import { shutOff } from '../guest/off.ts'
import { commandOn, SshError } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { eachOf, type Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, type Check, type Stage } from '../shell/steps.ts'
import { LabError, line, script } from '../text/errors.ts'
import { untilNodeReady } from './ready.ts'
import { checkVersion } from './requirements.ts'
import { hasVip } from './vip.ts'
import { vipIsSilent } from './vip-steps.ts'
import { lookAt, planStart, refusal, type Member } from './service.ts'
import { kubectl, isReady } from './kube-nodes.ts'

const isServer = ({ role }: Node) => role === 'server'

/** The first server of the lab file. */
export const firstServer = (lab: Lab): Node => firstOf(lab.nodes.filter(isServer))

function firstOf<T>([first]: T[]): T {
  if (!first) throw new Error('a checked lab has a server')
  return first
}

export interface Start {
  first: Member
  /** The other servers, unless the first one is Ready and rke2.vip is not new: they may already form the cluster, or etcd may
   *  need them, or their certificates lack the address. */
  others: Member[]
  /** rke2.vip does not answer this host. */
  vipIsSilent?: boolean
}

/** Looks at the first server, and at the others where they matter. */
export async function lookAtFirst(lab: Lab): Promise<Start> {
  const first = await lookAt(firstServer(lab))
  const { off } = await silentOnes(lab, [first])
  if (off.length > 0)
    return {
      first: { ...first, trouble: areOff(`${first.name}: the machine is off`, off) },
      others: [],
    }
  const isNew = lab.rke2.vip !== undefined && !hasVip(lab, first.state)
  if (first.trouble) return { first, others: [] }
  if (reportsReady(lab, first) && !isNew)
    return { first, others: [], vipIsSilent: await vipIsSilent(lab) }
  return { first, others: await eachOf(lab.nodes.filter(isServer).slice(1), lookAt) }
}

/** Starts the servers that have run and are stopped: etcd needs most of the servers to answer. */
export function planTogether(servers: Member[]): Stage[] {
  const stopped = servers.filter(({ state }) => state.hasRun && !state.service.startsWith('activ'))
  if (stopped.length === 0) return []
  return [
    forEach('Start the other servers, which etcd needs', stopped, (one) => planStart(one, false)),
  ]
}

/** The servers that cannot be reached. */
export const awayFrom = (servers: Member[]) => namesOf(servers.filter(({ trouble }) => trouble))

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
  /** All servers of the lab. */
  servers: Member[]
  joiners: Member[]
  /** All that were looked at. */
  all: Member[]
  /** Fails while no server runs RKE2. */
  lacking: Check[]
}

/** Looks at the servers of the lab and at the nodes to join. */
export async function lookAtCluster(lab: Lab, nodes: Node[]): Promise<Cluster> {
  const asked = lab.nodes.filter((node) => isServer(node) || nodes.includes(node))
  const all = await eachOf(asked, lookAt)
  const servers = all.filter(({ node }) => isServer(node))
  const { leader, lacking } = findLeader(lab, servers, await silentOnes(lab, servers))
  const joiners = all.filter((one) => one !== leader && nodes.includes(one.node))
  return { leader, servers, joiners, all, lacking }
}

/** Why servers do not answer: these are off, or libvirt did not say whether they are. */
interface Silent {
  off: Node[]
  unseen?: LabError
}

async function silentOnes(lab: Lab, servers: Member[]): Promise<Silent> {
  const silent = servers.filter(({ trouble }) => trouble instanceof SshError)
  if (silent.length === 0 || servers.some(runs)) return { off: [] }
  try {
    const nodes = silent.map(({ node }) => node)
    return { off: await shutOff(lab, nodes) }
  } catch (error) {
    if (error instanceof LabError) return { off: [], unseen: error }
    throw error
  }
}

const areOff = (message: string, off: Node[]) =>
  new LabError(message, {
    hint: [script('start', ...off.map(({ name }) => name)), '# then run this again'],
  })

const runs = ({ state }: Member) => state.service === 'active'

/** The server that other nodes join: the first one that runs RKE2, or rather the first of these that reports itself as
 *  Ready; otherwise one that is starting again. If none runs, the first server with a check that fails. */
export function findLeader(
  lab: Lab,
  all: Member[],
  { off, unseen }: Silent = { off: [] },
): Pick<Cluster, 'leader' | 'lacking'> {
  const active = all.filter(runs)
  const returns = all.find(({ state }) => state.hasRun && state.service === 'activating')
  const leader = active.find((one) => reportsReady(lab, one)) ?? active[0] ?? returns
  if (leader) return { leader, lacking: [] }
  const first = firstOf(all)
  const trouble = all.flatMap(({ trouble }) => trouble?.message ?? []).slice(0, 1)
  const names = off.map(({ name }) => name)
  const error =
    names.length > 0
      ? areOff(`no server to join: ${names.join(', ')} ${names.length > 1 ? 'are' : 'is'} off`, off)
      : new LabError('no server of this lab runs RKE2 yet', {
          details: [...trouble, ...(unseen ? [unseen.message] : [])],
          hint: script('install-rke2'),
        })
  const isRunning = commandOn(first.node, 'systemctl is-active --quiet rke2-server')
  return { leader: first, lacking: [refusal(isRunning, error)] }
}

const reportsReady = ({ rke2 }: Lab, one: Member) => isReady(one.state, ownNode(one), rke2)
const ownNode = ({ name, state }: Member) => state.nodes?.find((one) => one.name === name)

/** The leader once its own node is Ready, with the nodes that it knows by then. */
export async function readyLeader(
  lab: Lab,
  { leader, servers }: Cluster,
  seconds: number,
  shell: Shell,
): Promise<Member> {
  const { name, node } = leader
  const others = servers.filter((one) => one !== leader)
  const wait = forEach(`Wait until ${name} is Ready`, [leader], ({ state }) => {
    checkVersion(lab, state)
    return [untilNodeReady(lab, leader, node, seconds, awayFrom(others))]
  })
  if (reportsReady(lab, leader)) return leader
  for (const stage of planTogether(others)) await shell.apply(stage)
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
