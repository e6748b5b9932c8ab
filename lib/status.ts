// EDGE. What is known about each machine, gathered side by side.
import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import { labAt } from './lab/hosts.ts'
import type { Lab, Node } from './lab/lab.ts'
import { hostName, namedHost } from './libvirt/host-names.ts'
import { lookAtHosts, pairAll, silentNodes } from './libvirt/hosts.ts'
import type { Machine } from './libvirt/ownership.ts'
import type { LabError } from './text/errors.ts'
import { askInit, type Answer } from './guest/ready.ts'
import { differences } from './machine/drift.ts'
import { seedState } from './machine/seed-drive.ts'
import { sshFiles } from './guest/ssh-files.ts'

/** One node as `status.ts --json` prints it; the names are stable. */
export interface NodeStatus {
  name: string
  role: 'server' | 'agent'
  address: string
  /** The name of its host, in a lab with `hosts`. */
  host?: string
  /** As libvirt calls it; absent: not made; foreign: of that name, but not this lab's; unknown: libvirt did not say. */
  domain: string
  ssh: 'ok' | 'unreachable' | null
  /** done, running, failed; null where it cannot be asked. */
  cloudInit: 'done' | 'running' | 'failed' | null
  /** attached: the seed medium is in the drive now or at the next start; other: another medium is. */
  seed: 'attached' | 'other' | 'ejected' | null
  /** Bytes on the host's disk, and bytes that the guest sees. */
  disk: { used: number; size: number } | null
  /** RKE2's service as systemctl is-active says, and its version; null: not installed. */
  rke2: { service: string; version: string } | null
  /** The Kubernetes node; null if no server reports one. */
  kubernetes: { ready: boolean; roles: string[]; version: string } | null
  /** Why something is not as it should be. */
  remark: string | null
}

interface KubeNode {
  name: string
  ready: boolean
  heartbeat: string
  roles: string[]
  version: string
  /** Why it is not Ready; empty where it is, or where nobody knows. */
  remark: string
}

/** What a cluster adds to the status of machines. */
export interface Cluster<Told = unknown> {
  /** A script to run on the node after the one that reads cloud-init's state. */
  ask(node: Node): string
  /** The answer of a node; isReady: whether Kubernetes' word on it is of this start of RKE2. */
  read(answer: string, node: Node): ClusterSaid<Told>
}

interface ClusterSaid<Told> {
  rke2: NodeStatus['rke2']
  nodes: KubeNode[] | undefined
  isReady: (own: KubeNode) => boolean
  trouble?: string | undefined
  /** Which further disk is not mounted; other remarks go first. */
  mounts?: string | undefined
  /** What else a script wants of the answer. */
  told?: Told | undefined
}

interface LabStatus<Told> {
  nodes: NodeStatus[]
  /** What else the nodes told, servers that were not named too. */
  told: Told[]
  /** Why not all of it could be found out; networks are not in the status. */
  unseen: LabError[]
}

type Ask = (node: Node) => Promise<Asked>
type Asked = ClusterSaid<unknown> & Pick<Answer, 'init'>

/** The status of each node. Nodes are asked while libvirt is asked; nobody waits for the answer of one that does not run. */
export async function labStatus<Told>(
  lab: Lab,
  wanted: Node[],
  cluster: Cluster<Told>,
): Promise<LabStatus<Told>> {
  const nodes = lab.nodes.filter((node) => wanted.includes(node) || node.role === 'server') // servers know Kubernetes' nodes
  const end = new AbortController()
  setMaxListeners(0, end.signal) // one for each node
  const hasSsh = existsSync(sshFiles(lab).config)
  const told: Told[] = []
  const ask = async (node: Node): Promise<Asked> => {
    const { init, answer } = await askInit(node, cluster.ask(node), end.signal)
    const read = cluster.read(answer, node)
    if (read.told !== undefined) told.push(read.told)
    return { init, ...read }
  }
  const asked = new Map(hasSsh ? nodes.map((node) => [node, ask(node)]) : [])
  const answerOf: Ask = (node) => asked.get(node) ?? ask(node)
  try {
    const seen = await lookAtHosts(lab)
    const noDisks = seen.sites.flatMap((site) => {
      const error = site.host.unseen?.find(({ what }) => what === 'storage')?.error
      return error ? [{ lab: site.lab, error: namedHost(site.lab, error) }] : []
    })
    const isDiskSeen = (node: Node) => !noDisks.some((one) => one.lab.nodes.includes(node))
    const looks = await Promise.all([
      ...pairAll(seen, nodes).map((one) => lookAt(lab, one, answerOf, isDiskSeen(one.node))),
      ...silentNodes(seen, nodes).map((node) =>
        withoutLibvirt(node, hasSsh ? answerOf : undefined),
      ),
    ])
    const known = looks.find((one) => one.nodes)?.nodes ?? []
    return {
      nodes: looks
        .filter(({ node }) => wanted.includes(node))
        .sort((one, other) => nodes.indexOf(one.node) - nodes.indexOf(other.node))
        .map((look) => ({ ...withKubernetes(look, known), ...placeOf(lab, look.node) })),
      told,
      unseen: [...seen.silent, ...noDisks].map(({ error }) => error),
    }
  } finally {
    end.abort()
  }
}

const placeOf = (lab: Lab, node: Node): Pick<NodeStatus, 'host'> =>
  Object.keys(lab.hosts).length === 0 ? {} : { host: hostName(labAt(lab, node)) }

// What Kubernetes says of a machine that is off, or was, may be old.
function withKubernetes({ status, isReady, drift }: Look, nodes: KubeNode[]): NodeStatus {
  const node = nodes.find(({ name }) => name === status.name)
  if (!node) return { ...status, remark: status.remark ?? (drift || null) }
  const { roles, version, remark } = node
  const ready = status.domain !== 'shut off' && (isReady?.(node) ?? node.ready)
  return {
    ...status,
    kubernetes: { ready, roles, version },
    remark: status.remark ?? (remark || drift || null),
  }
}

interface Look {
  node: Node
  status: NodeStatus
  /** Kubernetes' nodes, as this node knows them. */
  nodes?: KubeNode[] | undefined
  isReady?: (own: KubeNode) => boolean
  /** What differs from the lab file; other remarks go first. */
  drift?: string
}

const nothing = ({ name, role, address }: Node) => ({
  name,
  role,
  address,
  ssh: null,
  cloudInit: null,
  seed: null,
  disk: null,
  rke2: null,
  kubernetes: null,
  remark: null,
})

async function lookAt(
  lab: Lab,
  machine: Machine,
  answerOf: Ask,
  isDiskSeen: boolean,
): Promise<Look> {
  const { node, domain, foreign, disk, elsewhere } = machine
  const where = elsewhere ? `it is on ${elsewhere}` : null
  const remark = 'not made by this lab'
  if (foreign) return { node, status: { ...nothing(node), domain: 'foreign', remark } }
  const known = {
    ...nothing(node),
    disk: disk ? { used: disk.allocation, size: disk.capacity } : null,
    domain: domain?.state ?? 'absent',
    seed: domain ? seedState(labAt(lab, node), node, domain) : null,
    remark: isDiskSeen ? where : 'its disk could not be checked',
  }
  const drift = differences(machine).join('; ')
  if (domain?.state !== 'running') return { node, status: known, drift }
  const asked = await answerOf(node)
  return { ...withAnswer(node, known, asked), drift: drift || (asked.mounts ?? '') }
}

async function withoutLibvirt(node: Node, answerOf: Ask | undefined): Promise<Look> {
  const remark = 'libvirt did not say whether it is made or runs'
  const known = { ...nothing(node), domain: 'unknown', remark }
  return answerOf ? withAnswer(node, known, await answerOf(node)) : { node, status: known }
}

function withAnswer(node: Node, known: NodeStatus, asked: Asked): Look {
  const { init, rke2, nodes, isReady, trouble } = asked
  if (init.kind === 'unreachable')
    return { node, status: { ...known, ssh: 'unreachable', remark: init.trouble.state } }
  const cloudInit = init.kind === 'busy' ? 'running' : init.kind
  const remark = (init.kind === 'failed' ? init.errors[0] : trouble) ?? known.remark
  return { node, nodes, isReady, status: { ...known, ssh: 'ok', cloudInit, rke2, remark } }
}
