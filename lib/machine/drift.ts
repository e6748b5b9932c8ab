// PURE. An existing machine against the lab file.
import { LabError } from '../text/errors.ts'
import type { Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import { formatSize } from '../text/size.ts'

/** What of an existing machine differs from the lab file; such changes are not applied to it. */
export function differences(node: Node, host: Host): string[] {
  const domain = domainOf(node, host)
  if (!domain) return []
  const disk = host.volumes.find(({ name }) => name === node.volume)?.capacity ?? node.disk
  const pairs: [string, string | number, string | number | undefined][] = [
    ['vcpus', node.vcpus, domain.vcpus],
    ['memory', formatSize(node.memory), formatSize(domain.memory)],
    ['disk', formatSize(node.disk), formatSize(disk)],
    ['role', node.role, domain.owner?.role],
  ]
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(([what, wanted, found]) => `${what} is ${found}, the lab file says ${wanted}`)
}

/** What is wrong when an existing machine has another address than the lab file says: nothing could reach it there. */
export function otherAddress(node: Node, host: Host): LabError | undefined {
  const address = domainOf(node, host)?.owner?.address
  if (address === undefined || address === node.address) return undefined
  return new LabError(
    `${node.name}: it has ${address}, the lab file says ${node.address}; a machine keeps the address that it was made with`,
    {
      hint: [
        `npx zx scripts/destroy.ts ${node.name} && npx zx scripts/create.ts ${node.name}   # makes it anew`,
        `# or put ${address} back into the lab file`,
      ],
    },
  )
}

const domainOf = (node: Node, host: Host) => host.domains.find(({ name }) => name === node.name)
