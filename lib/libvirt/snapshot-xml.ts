// PURE. What virsh prints of a snapshot -> typed values.
import { attribute, disks, file, list, owner, text, tree, type Domain } from './host.ts'

/** A snapshot of one machine. */
export interface Snapshot {
  name: string
  machine: string
  /** The URI of the libvirt that has it. */
  libvirt: string
  description: string
  /** Seconds since 1970. */
  created: number
  /** shutoff: the disks alone; running, paused: with the memory; disk-snapshot: external. */
  state: string
  /** Parts of it are in separate files. */
  external: boolean
  /** What the domain was then. */
  owner?: Domain['owner']
  /** The files of its disks then, if that is known. */
  files?: string[]
}

/** A snapshot from `snapshot-dumpxml`. */
export function parseSnapshot(
  { libvirt }: Pick<Snapshot, 'libvirt'>,
  machine: string,
  xml: string,
): Snapshot {
  const snapshot = tree(xml, 'domainsnapshot')
  const parts = [snapshot.memory, ...list(snapshot.disks?.disk)]
  const owned = owner(snapshot.domain ?? {})
  return {
    name: text(snapshot.name),
    machine,
    libvirt,
    description: text(snapshot.description),
    created: Number(text(snapshot.creationTime)) || 0,
    state: text(snapshot.state),
    external: parts.some((part) => attribute(part, 'snapshot') === 'external'),
    ...(owned ? { owner: owned } : {}),
    ...(snapshot.domain
      ? { files: disks(snapshot.domain).flatMap((disk) => file(disk) ?? []) }
      : {}),
  }
}
