// EDGE. What is known about each machine, gathered side by side.
import type { Lab, Node } from './lab.ts'
import { findVolume, type Host } from './libvirt.ts'
import { initState } from './ready.ts'

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
  /** attached: the seed medium is in the drive now or at the next start. */
  seed: 'attached' | 'ejected' | null
  /** Bytes on the host's disk, and bytes that the guest sees. */
  disk: { used: number; size: number } | null
  /** Why something is not as it should be. */
  remark: string | null
}

/** The status of one node. */
export async function nodeStatus(lab: Lab, node: Node, host: Host): Promise<NodeStatus> {
  const { name, role, address } = node
  const volume = findVolume(host, node.volume)
  const disk = volume ? { used: volume.allocation, size: volume.capacity } : null
  const domain = host.domains.find((other) => other.name === name)
  const base = { name, role, address, disk, ssh: null, cloudInit: null, seed: null, remark: null }
  if (!domain) return { ...base, domain: 'absent' }
  if (domain.owner?.lab !== lab.name)
    return { ...base, disk: null, domain: 'foreign', remark: 'not made by this lab' }
  const seed = domain.seed.live || domain.seed.config ? 'attached' : 'ejected'
  if (domain.state !== 'running') return { ...base, domain: domain.state, seed }
  const init = await initState(lab, node)
  const known = { ...base, domain: domain.state, seed } as const
  if (init.kind === 'unreachable') return { ...known, ssh: 'unreachable', remark: init.state }
  return {
    ...known,
    ssh: 'ok',
    cloudInit: init.kind === 'busy' ? 'running' : init.kind,
    remark: init.kind === 'failed' ? (init.errors[0] ?? null) : null,
  }
}
