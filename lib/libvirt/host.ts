// PURE. What virsh prints -> typed values.
import ipaddr from 'ipaddr.js'
import { namespace } from './domain-xml.ts'
import type { LabError } from '../text/errors.ts'
import { XMLParser } from '../runtime/packages.ts'

export interface Domain {
  name: string
  uuid: string
  /** From the metadata that the scripts write; a domain without it is someone else's. */
  owner?: { lab: string; role: string; address: string }
  /** As virsh domstate says: running, shut off, paused, ... */
  state: string
  persistent: boolean
  /** It starts when libvirt does. */
  autostart: boolean
  /** libvirt keeps its memory in a file (managed save), for its next start. */
  saved?: boolean
  /** kvm, or qemu: emulated. */
  type: string
  vcpus: number
  /** Bytes. */
  memory: number
  macs: string[]
  /** Files of all disks, live and persistent. */
  files: string[]
  /** What its disks and drives are called, as vda: those of its next start. */
  targets: string[]
  /** The medium in the CD-ROM drive sda, live and persistent. */
  seed: { live?: string; config?: string }
}

export interface Volume {
  name: string
  path: string
  /** When its file was last written, in seconds since 1970. */
  modified?: number
  /** In bytes: the size that the guest sees, the space used on disk, the length of the file. */
  capacity: number
  allocation: number
  physical: number
  backing?: string
}

export interface Network {
  uuid: string
  bridge: string
  /** The host's address in it, the machines' gateway. */
  address: string
  netmask: string
}

export interface Host {
  /** Every domain of the host. */
  domains: Domain[]
  pool?: { uuid: string; path: string; available: number; active: boolean }
  /** Names of all volumes in the pool while it is active. */
  volumeNames: string[]
  /** Details of this lab's volumes and of those asked for. */
  volumes: Volume[]
  /** The NAT network that the lab names, when it exists. */
  network?: Network & { active: boolean }
  /** NAT networks that this lab made under other names, and all that there are. */
  formerNetworks: { name: string; active: boolean }[]
  networks?: { name: string; active: boolean }[]
  /** What libvirt did not show, and why: that may exist although it is not above. */
  unseen?: { what: 'storage' | 'networks'; error: LabError }[]
}

export interface Tree {
  [key: string]: Tree | undefined
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  isArray: (name) => ['disk', 'interface', 'ip'].includes(name),
})

// An element without attributes or children comes as its bare text.
export const text = (element: unknown): string => {
  if (typeof element === 'string') return element
  return typeof element === 'object' && element !== null && '#text' in element
    ? text(element['#text'])
    : ''
}
export const attribute = (tree: Tree | undefined, name: string): string | undefined => {
  const value: unknown = tree?.[`@${name}`]
  return typeof value === 'string' && value !== '' ? value : undefined
}
export const list = (tree: Tree | undefined): Tree[] =>
  Array.isArray(tree) ? (tree as Tree[]) : []
export const tree = (xml: string, root: string): Tree =>
  (parser.parse(xml) as Tree)[root] ?? ({} as Tree)

const unitBytes: Record<string, number> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
const bytes = (size: Tree | undefined) =>
  Number(text(size)) * (unitBytes[attribute(size, 'unit') ?? 'bytes'] ?? 1) || 0

export function owner(domain: Tree): Domain['owner'] {
  for (const [name, element] of Object.entries(domain.metadata ?? {})) {
    const [prefix, local] = name.split(':')
    if (local !== 'node' || attribute(element, `xmlns:${prefix}`) !== namespace) continue
    const [lab, role, address] = ['lab', 'role', 'address'].map((key) => attribute(element, key))
    if (lab && role && address) return { lab, role, address }
  }
  return undefined
}

export const disks = (domain: Tree): Tree[] => list(domain.devices?.disk)
export const file = (disk: Tree | undefined) => attribute(disk?.source, 'file')
const cdrom = (domain: Tree) =>
  disks(domain).find((disk) => attribute(disk.target, 'dev') === 'sda')

/** One domain from `dumpxml`, `dumpxml --inactive` (empty for a transient domain) and `domstate`. */
export function parseDomain(
  live: string,
  config: string,
  state: string,
  autostart = false,
): Domain {
  const running = tree(live, 'domain')
  const persistent = config ? tree(config, 'domain') : running
  const seed = { live: file(cdrom(running)), config: file(cdrom(persistent)) }
  const owned = owner(persistent)
  return {
    name: text(persistent.name),
    uuid: text(persistent.uuid),
    ...(owned ? { owner: owned } : {}),
    state: state.trim(),
    persistent: config !== '',
    autostart,
    type: attribute(persistent, 'type') ?? '',
    vcpus: Number(attribute(persistent.vcpu, 'current') ?? text(persistent.vcpu)),
    memory: bytes(persistent.currentMemory ?? persistent.memory),
    macs: list(persistent.devices?.interface).map((nic) => attribute(nic.mac, 'address') ?? ''),
    files: [
      ...new Set([...disks(running), ...disks(persistent)].flatMap((disk) => file(disk) ?? [])),
    ],
    targets: disks(persistent).flatMap((disk) => attribute(disk.target, 'dev') ?? []),
    seed: {
      ...(seed.live && state.trim() !== 'shut off' ? { live: seed.live } : {}),
      ...(seed.config ? { config: seed.config } : {}),
    },
  }
}

/** What `dominfo` says beyond the XML of a domain. */
export function parseInfo(info: string) {
  const value = (key: string) => new RegExp(`^${key}: +(.*\\S)`, 'm').exec(info)?.[1] ?? ''
  return {
    state: value('State'),
    persistent: value('Persistent') === 'yes',
    autostart: value('Autostart') === 'enable',
    saved: value('Managed save') === 'yes',
  }
}

/** A volume from `vol-dumpxml`. */
export function parseVolume(xml: string): Volume {
  const volume = tree(xml, 'volume')
  const backing = text(volume.backingStore?.path)
  const modified = Number(text(volume.target?.timestamps?.mtime))
  return {
    name: text(volume.name),
    path: text(volume.target?.path),
    capacity: bytes(volume.capacity),
    allocation: bytes(volume.allocation),
    physical: bytes(volume.physical),
    ...(modified > 0 ? { modified } : {}),
    ...(backing ? { backing } : {}),
  }
}

/** uuid and directory of a pool from `pool-dumpxml`, free bytes where it is active. */
export function parsePool(xml: string): { uuid: string; path: string; available: number } {
  const pool = tree(xml, 'pool')
  return { uuid: text(pool.uuid), path: text(pool.target?.path), available: bytes(pool.available) }
}

/** A libvirt network from `net-dumpxml`. */
export function parseNetwork(xml: string): Network {
  const network = tree(xml, 'network')
  const ip = list(network.ip).find((one) => attribute(one, 'family') !== 'ipv6')
  const prefix = Number(attribute(ip, 'prefix') ?? 0)
  return {
    uuid: text(network.uuid),
    bridge: attribute(network.bridge, 'name') ?? '',
    address: attribute(ip, 'address') ?? '',
    netmask: attribute(ip, 'netmask') ?? ipaddr.IPv4.subnetMaskFromPrefixLength(prefix).toString(),
  }
}

export const words = (output: string): string[] =>
  output
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
