// PURE. Drift: what differs between the lab file and existing machines.
import { labAt } from '../lab/hosts.ts'
import type { Lab } from '../lab/lab.ts'
import { foreignDomain, type Machine } from '../libvirt/ownership.ts'
import { LabError, line, NodeErrors, script } from '../text/errors.ts'
import { formatSize } from '../text/size.ts'

/** What differs between an existing machine and the lab file, or the type that it would get now; create does not apply it. */
export function differences({ node, domain, disk }: Machine, type?: 'kvm' | 'qemu'): string[] {
  if (!domain) return []
  const now = { kvm: 'KVM', qemu: 'emulation' }
  const capacity = disk?.capacity ?? node.disk
  const [fixed, resized] = ['an existing machine is not changed', 'resize.ts changes it']
  const size = capacity > node.disk ? 'a disk cannot shrink' : resized
  const pairs: [string, string | number, string | number | undefined, string][] = [
    ['vcpus', node.vcpus, domain.vcpus, resized],
    ['memory', formatSize(node.memory), formatSize(domain.memory), resized],
    ['disk', formatSize(node.disk), formatSize(capacity), size],
    ['role', node.role, domain.owner?.role, fixed],
  ]
  const kind =
    type && domain.type !== type
      ? [
          `it is a machine of type ${domain.type || 'unknown'}, and would be made with ${now[type]} (${type}) now; ${fixed}`,
        ]
      : []
  return pairs
    .filter(([, wanted, found]) => wanted !== found)
    .map(([what, wanted, found, how]) => `${what} is ${found}, the lab file says ${wanted}; ${how}`)
    .concat(kind)
}

/** Throws when a machine's name belongs to someone else's domain, or its address differs from the lab file. */
export function checkMachines(lab: Lab, machines: Machine[]): void {
  const errors = machines.flatMap(
    (machine) =>
      (machine.foreign
        ? foreignDomain(labAt(lab, machine.node), machine.foreign)
        : (otherAddress(machine) ?? otherHost(machine))) ?? [],
  )
  if (errors.length > 0) throw new NodeErrors(errors)
}

/** Throws when a machine is not made yet. */
export function checkMade(machines: Machine[]): void {
  const missing = machines.filter(({ domain }) => !domain).map(({ name }) => name)
  if (missing.length > 0)
    throw new LabError(
      missing.length > 1
        ? `there are no such machines: ${missing.join(', ')}`
        : `there is no such machine: ${missing[0]}`,
      { hint: script('create', ...missing) },
    )
}

function otherHost({ node, domain, elsewhere }: Machine): LabError | undefined {
  if (elsewhere === undefined) return undefined
  const too = domain
    ? ' too, and each name and address may be there once'
    : '; a machine does not move'
  return new LabError(`${node.name}: it is on ${elsewhere}${too}`, {
    hint: [
      line(
        script('destroy', node.name),
        ' && ',
        script('create', node.name),
        '   # makes it again',
      ),
      `# or put its old host back into the lab file`,
    ],
  })
}

// The scripts could not reach such a machine.
function otherAddress({ node, domain }: Machine): LabError | undefined {
  const address = domain?.owner?.address
  if (address === undefined || address === node.address) return undefined
  return new LabError(
    `${node.name}: it has ${address}, the lab file says ${node.address}; a machine keeps the address it was created with`,
    {
      hint: [
        line(
          script('destroy', node.name),
          ' && ',
          script('create', node.name),
          '   # recreates it',
        ),
        `# or put ${address} back into the lab file`,
      ],
    },
  )
}
