// PURE. Existing machines against the lab file.
import type { Lab } from '../lab/lab.ts'
import { foreignDomain, type Machine } from '../libvirt/ownership.ts'
import { LabError, line, NodeErrors, script } from '../text/errors.ts'
import { formatSize } from '../text/size.ts'

/** What of an existing machine differs from the lab file; such changes are not applied to it. */
export function differences({ node, domain, disk }: Machine): string[] {
  if (!domain) return []
  const pairs: [string, string | number, string | number | undefined][] = [
    ['vcpus', node.vcpus, domain.vcpus],
    ['memory', formatSize(node.memory), formatSize(domain.memory)],
    ['disk', formatSize(node.disk), formatSize(disk?.capacity ?? node.disk)],
    ['role', node.role, domain.owner?.role],
  ]
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(
      ([what, wanted, found]) =>
        `${node.name}: ${what} is ${found}, the lab file says ${wanted}; that is not changed in a machine that exists`,
    )
}

/** Throws when somebody else has a domain of a machine's name, or a machine another address than the lab file says. */
export function checkMachines(lab: Lab, machines: Machine[]): void {
  const errors = machines.flatMap(
    (machine) =>
      (machine.foreign ? foreignDomain(lab, machine.foreign) : otherAddress(machine)) ?? [],
  )
  if (errors.length > 0) throw new NodeErrors(errors)
}

// Nothing could reach it there.
function otherAddress({ node, domain }: Machine): LabError | undefined {
  const address = domain?.owner?.address
  if (address === undefined || address === node.address) return undefined
  return new LabError(
    `${node.name}: it has ${address}, the lab file says ${node.address}; a machine keeps the address that it was made with`,
    {
      hint: [
        line(
          script('destroy', node.name),
          ' && ',
          script('create', node.name),
          '   # makes it again',
        ),
        `# or put ${address} back into the lab file`,
      ],
    },
  )
}
