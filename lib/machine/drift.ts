// PURE. Drift: what differs between the lab file and existing machines.
import { moreOf } from '../lab/extras.ts'
import { labAt } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Volume } from '../libvirt/host.ts'
import { foreignDomain, type Machine } from '../libvirt/ownership.ts'
import { LabError, line, NodeErrors, script, type Hint } from '../text/errors.ts'
import { formatSize } from '../text/size.ts'

/** A disk that a machine is to have, with its volume if that is there and the lab's. */
export interface Disk {
  what: string
  volume: string
  size: number
  found: Volume | undefined
  /** Unless it is the first disk. */
  extra?: Node['disks'][number]
}

/** The disks of a machine as in the lab file, the first one first. */
export const disksOf = ({ node, disk, more = [] }: Machine): Disk[] => [
  { what: 'disk', volume: node.volume, size: node.disk, found: disk },
  ...node.disks.map((extra) => ({
    what: `disk ${extra.name}`,
    volume: extra.volume,
    size: extra.size,
    found: more.find(({ name }) => name === extra.volume),
    extra,
  })),
]

/** Whether a machine has the disk, perhaps with an external snapshot on it. */
export const isAttached = ({ domain }: Machine, { volume }: Disk): boolean =>
  domain?.files.some((file) => file.includes(`/${volume.replace(/qcow2$/, '')}`)) ?? false

// Disks and cards beside the first that only the machine or only the lab file has.
function extraDifferences(machine: Machine): string[] {
  const { node, domain } = machine
  const macs = domain?.macs ?? []
  const known = disksOf(machine)
  const there = domain?.files.flatMap((file) => file.split('/').at(-1) ?? []) ?? []
  const added = known.filter((disk) => disk.extra && !isAttached(machine, disk))
  // Where its first disk is not seen either, nothing is known of the others.
  const alien = known.filter(
    (disk) => disk.extra && !disk.found && machine.disk && isAttached(machine, disk),
  )
  const gone = there.filter(
    (file) =>
      file.startsWith(moreOf(node.volume)) &&
      file.endsWith('.qcow2') &&
      !known.some(({ volume }) => volume === file),
  )
  return [
    ...added.map(({ what }) => `${what} is only in the lab file; resize.ts adds it`),
    ...alien.map(({ what }) => `${what} is there, but this lab did not make it`),
    ...gone.map(
      (file) => `the lab file lacks its disk ${file}; an existing machine is not changed`,
    ),
    ...node.networks
      .filter(({ mac }) => !macs.includes(mac))
      .map(
        ({ name }) =>
          `network card ${name} is only in the lab file; an existing machine is not changed`,
      ),
  ]
}

type Pair = [what: string, wanted: string | number, found: string | number | undefined, how: string]

/** What differs between an existing machine and the lab file, or the type that it would get now; create does not apply it. */
export function differences(machine: Machine, type?: 'kvm' | 'qemu'): string[] {
  const { node, domain } = machine
  if (!domain) return []
  const now = { kvm: 'KVM', qemu: 'emulation' }
  const [fixed, resized] = ['an existing machine is not changed', 'resize.ts changes it']
  const disks = disksOf(machine).map(({ what, size, found }): Pair => {
    const capacity = found?.capacity ?? size
    const how = capacity > size ? 'a disk cannot shrink' : resized
    return [what, formatSize(size), formatSize(capacity), how]
  })
  const pairs: Pair[] = [
    ['vcpus', node.vcpus, domain.vcpus, resized],
    ['memory', formatSize(node.memory), formatSize(domain.memory), resized],
    ...disks,
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
    .concat(extraDifferences(machine), kind)
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

const recreated = ({ name }: Node, old: string): Hint[] => [
  line(script('destroy', name), ' && ', script('create', name), '   # recreates it'),
  `# or put ${old} back into the lab file`,
]

function otherHost({ node, domain, elsewhere }: Machine): LabError | undefined {
  if (elsewhere === undefined) return undefined
  const too = domain
    ? ' too, and each name and address may be there once'
    : '; a machine does not move'
  return new LabError(`${node.name}: it is on ${elsewhere}${too}`, {
    hint: recreated(node, 'its old host'),
  })
}

// The scripts could not reach such a machine.
function otherAddress({ node, domain }: Machine): LabError | undefined {
  const address = domain?.owner?.address
  if (address === undefined || address === node.address) return undefined
  return new LabError(
    `${node.name}: it has ${address}, the lab file says ${node.address}; a machine keeps the address it was created with`,
    {
      hint: recreated(node, address),
    },
  )
}
