// EDGE. Whether the host has room for machines that become larger.
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import { lookHere } from './around.ts'
import { checkMemory } from './capacity.ts'
import { foundThere, hostError } from './checks.ts'
import { lookedAt } from './facts.ts'
import { failure, type Finding } from '../text/findings.ts'
import { onHost } from '../libvirt/host-names.ts'
import { formatSize } from '../text/size.ts'

/** Throws when the host has less memory than the lab takes with what these nodes get, or less free disk than the disks grow by. */
export async function checkRoom(
  lab: Lab,
  host: Host,
  { nodes, growth }: { nodes: Node[]; growth: number },
): Promise<void> {
  const found = [
    ...(nodes.length > 0 ? await findMemory(lab, host, nodes) : []),
    ...checkGrowth(lab, host, growth),
  ]
  const error = hostError(
    found.map((one) => {
      const there = foundThere(lab.libvirt, one)
      return { ...there, found: onHost(lab, there.found) }
    }),
  )
  if (error) throw error
}

async function findMemory(lab: Lab, host: Host, nodes: Node[]): Promise<Finding[]> {
  const here = await lookHere(lab, ['memory'])
  return lookedAt(() => checkMemory({ lab, nodes, host, here })) ?? []
}

function checkGrowth({ pool }: Lab, host: Host, growth: number): Finding[] {
  const available = host.pool?.available ?? 0
  if (growth <= available) return []
  const found = `the disks would grow by ${formatSize(growth)}, and ${formatSize(available)} are free in ${pool.path}`
  return [failure('disk space', found, '# free some space there, or give the nodes smaller disks')]
}
