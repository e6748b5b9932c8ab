// PURE. An existing machine against the lab file.
import type { Node } from './lab.ts'
import type { Host } from './libvirt.ts'
import { formatSize } from './size.ts'

/** What of an existing machine differs from the lab file; such changes are not applied to it. */
export function differences(node: Node, host: Host): string[] {
  const domain = host.domains.find(({ name }) => name === node.name)
  if (!domain) return []
  const disk = host.volumes.find(({ name }) => name === node.volume)?.capacity ?? node.disk
  const pairs: [string, string | number, string | number | undefined][] = [
    ['vcpus', node.vcpus, domain.vcpus],
    ['memory', formatSize(node.memory), formatSize(domain.memory)],
    ['disk', formatSize(node.disk), formatSize(disk)],
    ['address', node.address, domain.owner?.address],
    ['role', node.role, domain.owner?.role],
  ]
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(([what, wanted, found]) => `${what} is ${found}, the lab file says ${wanted}`)
}
