// EDGE. What is known about each machine, gathered side by side.
import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import type { Lab, Node } from './lab/lab.ts'
import { look, type Host } from './libvirt/observe.ts'
import { pair, type Machine } from './libvirt/ownership.ts'
import { LabError } from './text/errors.ts'
import { parts } from './text/sections.ts'
import { askInit, type Answer } from './guest/ready.ts'
import { parseVersion } from './rke2/release.ts'
import { seedState } from './machine/seed-drive.ts'
import { sshFiles } from './guest/ssh-files.ts'
import { parseKubeNodes, serviceOf, statusScript, type KubeNode } from './rke2/state.ts'

/** One node as `status.ts --json` prints it; the names are stable. */
export interface NodeStatus {
  name: string
  role: 'server' | 'agent'
  address: string
  /** State of the domain as libvirt calls it; absent: not made; foreign: a domain of that name is not this lab's;
   *  unknown: libvirt did not say. */
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
  /** The Kubernetes node; null where no server tells of one. */
  kubernetes: { ready: boolean; roles: string[]; version: string } | null
  /** Why something is not as it should be. */
  remark: string | null
}

export interface LabStatus {
  nodes: NodeStatus[]
  /** Why not all of it could be found out. */
  unseen?: LabError
}

/** The status of each node. The nodes are asked while libvirt is; the answer of one that does not run is not waited for. */
export async function labStatus(lab: Lab, wanted: Node[]): Promise<LabStatus> {
  const nodes = lab.nodes.filter((node) => wanted.includes(node) || node.role === 'server') // a server tells of Kubernetes
  const end = new AbortController()
  setMaxListeners(0, end.signal) // one for each node
  const hasSsh = existsSync(sshFiles(lab).config)
  const answers = new Map(hasSsh ? nodes.map((node) => [node, ask(node, end.signal)]) : [])
  try {
    const { host, unseen } = await seen(lab)
    const machines = host
      ? pair(lab, host, nodes)
      : nodes.map((node) => ({ name: node.name, node }))
    const looks = await Promise.all(
      machines.map((machine) => {
        const asked = () => answers.get(machine.node) ?? ask(machine.node)
        return host
          ? lookAt(lab, machine, asked, unseen)
          : withoutLibvirt(machine.node, asked, hasSsh)
      }),
    )
    const told = looks.flatMap(({ told }) => (told ? [told] : []))[0] ?? []
    return {
      nodes: looks
        .filter(({ node }) => wanted.includes(node))
        .map(({ status }) => ({ ...status, kubernetes: kubernetesOf(status.name, told) })),
      ...(unseen && { unseen }),
    }
  } finally {
    end.abort()
  }
}

/** What libvirt shows, and why not all; networks are not in the status. */
async function seen(lab: Lab): Promise<{ host?: Host; unseen?: LabError | undefined }> {
  try {
    const host = await look(lab)
    return { host, unseen: host.unseen?.find(({ what }) => what === 'storage')?.error }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { unseen: error }
  }
}

const ask = (node: Node, signal?: AbortSignal) =>
  askInit(node, statusScript(serviceOf(node)), signal)

function kubernetesOf(name: string, told: KubeNode[]): NodeStatus['kubernetes'] {
  const node = told.find((one) => one.name === name)
  return node ? { ready: node.ready, roles: node.roles, version: node.version } : null
}

interface Look {
  node: Node
  status: NodeStatus
  /** What this node, a server, tells of the cluster's nodes. */
  told?: KubeNode[] | undefined
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
  { node, domain, foreign, disk }: Machine,
  asked: () => Promise<Answer>,
  unseen: LabError | undefined,
): Promise<Look> {
  if (foreign)
    return {
      node,
      status: { ...nothing(node), domain: 'foreign', remark: 'not made by this lab' },
    }
  const known = {
    ...nothing(node),
    disk: disk ? { used: disk.allocation, size: disk.capacity } : null,
    domain: domain?.state ?? 'absent',
    seed: domain ? seedState(lab, node, domain) : null,
    remark: unseen ? 'its disk could not be looked at' : null,
  }
  if (domain?.state !== 'running') return { node, status: known }
  return withAnswer(node, known, await asked())
}

async function withoutLibvirt(
  node: Node,
  asked: () => Promise<Answer>,
  hasSsh: boolean,
): Promise<Look> {
  const remark = 'libvirt did not say whether it is made or runs'
  const known = { ...nothing(node), domain: 'unknown', remark }
  return hasSsh ? withAnswer(node, known, await asked()) : { node, status: known }
}

function withAnswer(node: Node, known: NodeStatus, { init, answer }: Answer): Look {
  if (init.kind === 'unreachable')
    return { node, status: { ...known, ssh: 'unreachable', remark: init.trouble.state } }
  const found = parts(answer)
  const version = parseVersion(found.get('version') ?? '')
  return {
    node,
    told: parseKubeNodes(found.get('nodes') ?? ''),
    status: {
      ...known,
      ssh: 'ok',
      cloudInit: init.kind === 'busy' ? 'running' : init.kind,
      rke2: version ? { version, service: (found.get('service') ?? '').trim() } : null,
      remark: (init.kind === 'failed' ? init.errors[0] : null) ?? known.remark,
    },
  }
}
