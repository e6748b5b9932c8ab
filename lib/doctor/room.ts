// EDGE. Whether the host has room for machines that become larger.
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import { lookHere } from './around.ts'
import { checkGrowth, checkMemory } from './capacity.ts'
import { foundThere, hostError } from './checks.ts'
import { lookedAt } from './facts.ts'

/** Throws when the host has less memory than its nodes take now, or less free disk than the disks grow by. */
export async function checkRoom(
  lab: Lab,
  host: Host,
  { nodes, growth }: { nodes: Node[]; growth: number },
): Promise<void> {
  if (nodes.length === 0) return
  const here = await lookHere(lab, ['memory'])
  const memory = lookedAt(() => checkMemory({ lab, nodes, host, here })) ?? []
  const found = [...memory, ...checkGrowth(lab, host, growth)]
  const error = hostError(found.map((one) => foundThere(lab.libvirt, one)))
  if (error) throw error
}
