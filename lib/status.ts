// EDGE. What is known about each machine, gathered side by side.
import { setMaxListeners } from 'node:events'
import { existsSync } from 'node:fs'
import type { Lab, Node } from './lab/lab.ts'
import { observe, type Host } from './libvirt/observe.ts'
import { findVolume } from './libvirt/ownership.ts'
import { parts } from './text/sections.ts'
import { askNode, type Answer } from './guest/ready.ts'
import { parseVersion } from './rke2/release.ts'
import { seedState } from './machine/seed-drive.ts'
import { sshFiles } from './guest/ssh-files.ts'
import { parseKubeNodes, serviceOf, statusScript, type KubeNode } from './rke2/state.ts'

/** One node as `status.ts --json` prints it; the names are stable. */
export interface NodeStatus {
  name: string
  role: 'server' | 'agent'
  address: string
  /** State of the domain as libvirt calls it; absent: not made; foreign: a domain of that name is not this lab's. */
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

/** The status of each node. The nodes are asked while libvirt is; the answer of one that does not run is not waited for. */
export async function labStatus(lab: Lab, wanted: Node[]): Promise<NodeStatus[]> {
  const nodes = lab.nodes.filter((node) => wanted.includes(node) || node.role === 'server') // a server tells of Kubernetes
  const end = new AbortController()
  setMaxListeners(0, end.signal) // one for each node
  const hasSsh = existsSync(sshFiles(lab).config)
  const answers = nodes.map((node) => (hasSsh ? ask(lab, node, end.signal) : undefined))
  try {
    const host = await observe(lab)
    const looks = await Promise.all(
      nodes.map((node, index) => look(lab, node, host, () => answers[index] ?? ask(lab, node))),
    )
    const told = looks.map(({ told }) => told).find((kubeNodes) => kubeNodes !== undefined) ?? []
    return looks
      .filter((_, index) => wanted.includes(nodes[index]!))
      .map(({ status }) => ({ ...status, kubernetes: kubernetesOf(status.name, told) }))
  } finally {
    end.abort()
  }
}

const ask = (lab: Lab, node: Node, signal?: AbortSignal) =>
  askNode(lab, node, statusScript(serviceOf(node)), signal)

function kubernetesOf(name: string, told: KubeNode[]): NodeStatus['kubernetes'] {
  const node = told.find((one) => one.name === name)
  return node ? { ready: node.ready, roles: node.roles, version: node.version } : null
}

interface Look {
  status: NodeStatus
  /** What this node, a server, tells of the cluster's nodes. */
  told?: KubeNode[] | undefined
}

async function look(lab: Lab, node: Node, host: Host, asked: () => Promise<Answer>): Promise<Look> {
  const { name, role, address } = node
  const volume = findVolume(host, node.volume)
  const disk = volume ? { used: volume.allocation, size: volume.capacity } : null
  const domain = host.domains.find((other) => other.name === name)
  const base = {
    name,
    role,
    address,
    disk,
    ssh: null,
    cloudInit: null,
    seed: null,
    rke2: null,
    kubernetes: null,
    remark: null,
  }
  if (!domain) return { status: { ...base, domain: 'absent' } }
  if (domain.owner?.lab !== lab.name)
    return { status: { ...base, disk: null, domain: 'foreign', remark: 'not made by this lab' } }
  const seed = seedState(lab, node, domain)
  if (domain.state !== 'running') return { status: { ...base, domain: domain.state, seed } }
  const { init, answer } = await asked()
  const known = { ...base, domain: domain.state, seed } as const
  if (init.kind === 'unreachable')
    return { status: { ...known, ssh: 'unreachable', remark: init.state } }
  const found = parts(answer)
  const version = parseVersion(found.get('version') ?? '')
  return {
    told: parseKubeNodes(found.get('nodes') ?? ''),
    status: {
      ...known,
      ssh: 'ok',
      cloudInit: init.kind === 'busy' ? 'running' : init.kind,
      rke2: version ? { version, service: (found.get('service') ?? '').trim() } : null,
      remark: init.kind === 'failed' ? (init.errors[0] ?? null) : null,
    },
  }
}
