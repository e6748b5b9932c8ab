// PURE. An existing machine against the lab file.
import type { Node } from './lab.ts'
import type { Domain } from './parse.ts'
import { formatSize } from './size.ts'

/** What of an existing domain differs from the lab file; such changes are not applied to it. */
export function differences(node: Node, domain: Domain | undefined): string[] {
  if (!domain) return []
  const pairs: [string, string | number, string | number | undefined][] = [
    ['vcpus', node.vcpus, domain.vcpus],
    ['memory', formatSize(node.memory), formatSize(domain.memory)],
    ['address', node.address, domain.owner?.address],
    ['role', node.role, domain.owner?.role],
  ]
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(([what, wanted, found]) => `${what} is ${found}, the lab file says ${wanted}`)
}
