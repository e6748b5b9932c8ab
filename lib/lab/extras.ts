// PURE. The disks and network cards that nodes have beside the first, and their rules, which check the raw document.
import ipaddr from 'ipaddr.js'
import { parseSize } from '../text/size.ts'
import type { LabFile } from './schema.ts'
import {
  cidrsOverlap,
  isCidr,
  nodesOf,
  ofCluster,
  problem,
  record,
  type Problem,
  type Raw,
} from './rules.ts'

export interface Extras {
  /** Disks beside the first. */
  disks: { name: string; volume: string; /** Bytes. */ size: number; mount?: string | undefined }[]
  /** Network cards beside the first; their addresses have a prefix. */
  networks: {
    name: string
    bridge?: string | undefined
    network?: string | undefined
    address?: string | undefined
    mac: string
  }[]
}

/** Those of a node whose first disk is `volume`. */
export const extrasOf = (
  { disks = [], networks = [] }: Pick<LabFile['nodes'][number], 'disks' | 'networks'>,
  { volume }: { volume: string },
  mac: (card: string) => string,
): Extras => ({
  disks: disks.map(({ name, size, ...mount }) => ({
    name,
    ...mount,
    volume: `${moreOf(volume)}${name}.qcow2`,
    size: parseSize(size) ?? 0,
  })),
  networks: networks.map((card) => ({ ...card, mac: mac(card.name) })),
})

/** What the guest calls a further disk. */
export const deviceOf = ({ name }: { name: string }) => `/dev/disk/by-id/virtio-${name}`

/** For sh in the guest: formats a further disk if it is empty, and fails otherwise. blkid alone also fails where it cannot read
 *  the disk, or finds two file systems; wipefs then names them or fails. */
export function formatEmpty({ name }: { name: string }, sudo: '' | 'sudo ' = ''): string {
  const device = deviceOf({ name })
  return [
    `test -z "$(${sudo}wipefs -n ${device} || echo unknown)"`,
    `{ ${sudo}blkid -p ${device}; test $? -eq 2; }`,
    `${sudo}mkfs.ext4 -q -L ${name.slice(0, 16)} ${device}`, // more does not fit into a label
  ].join(' && ')
}

/** What the volumes of further disks begin with, by that of the first disk. */
export const moreOf = (volume: string): string => volume.replace(/\.qcow2$/, '-')

interface Extra {
  value: Raw
  node: Raw
  path: Problem['path']
}

const extras = (nodes: Raw[], key: 'disks' | 'networks'): Extra[] =>
  nodes.flatMap((node, index) =>
    (Array.isArray(node[key]) ? node[key] : []).map((value: unknown, at) => ({
      value: record(value),
      node,
      path: ['nodes', index, key, at],
    })),
  )

const where = ([, index, key, at]: Problem['path']) => `nodes[${index}].${key}[${at}]`

const repeated = (all: Extra[], key: string): Problem[] =>
  all.flatMap(({ value, node, path }) => {
    const first = all.find((one) => one.node === node && one.value[key] === value[key])
    if (typeof value[key] !== 'string' || !first || first.path === path) return []
    return problem([...path, key], `${value[key]} is already ${where(first.path)}`)
  })

// A volume is called LAB-NODE.qcow2 or LAB-NODE-DISK.qcow2.
const sharedVolumes = (nodes: Raw[], disks: Extra[]): Problem[] =>
  disks.flatMap(({ value, node, path }) => {
    const volume = `${String(node.name)}-${String(value.name)}`
    const other = disks.find(
      (one) => one.node !== node && `${String(one.node.name)}-${String(one.value.name)}` === volume,
    )
    const isNode = nodes.some(({ name }) => name === volume)
    if (!other && !isNode) return []
    const whose = isNode ? `the node ${volume}` : where(other?.path ?? [])
    return problem([...path, 'name'], `its volume would be that of ${whose}; rename one of them`)
  })

/** An address is in a network that nothing else of its machine is in. */
function addressProblem(raw: Raw, card: Extra, cards: Extra[]): string | false {
  const { address, bridge, network } = card.value
  if (!isCidr(address)) return false
  const [own = ''] = address.split('/')
  const before = cards.slice(0, cards.indexOf(card))
  const config: Raw = { ...ofCluster, ...record(record(raw.rke2).config) }
  const others: [string, unknown][] = [
    ['network.cidr', record(raw.network).cidr],
    ...Object.keys(ofCluster).map((key): [string, unknown] => [`RKE2's ${key}`, config[key]]),
    ...before
      .filter(({ node }) => node === card.node)
      .map(({ path, value }): [string, unknown] => [where(path), value.address]),
  ]
  const over = others.find(([, other]) => isCidr(other) && cidrsOverlap(address, other))
  if (over) return `${address} overlaps ${over[0]} ${String(over[1])}`
  const twin = before.find(
    ({ value }) =>
      String(value.address).split('/')[0] === own &&
      value.bridge === bridge &&
      value.network === network,
  )
  if (twin) return `${own} is already that of ${where(twin.path)}`
  const { IPv4 } = ipaddr
  const ends = [IPv4.networkAddressFromCIDR(address), IPv4.broadcastAddressFromCIDR(address)]
  const isEnd = ends.some((end) => end.toString() === own)
  return isEnd && `${own} is the first or the last address of its network`
}

// A libvirt network ends at its host.
function networkProblem({ value, node }: Extra, cards: Extra[]): string | false {
  const { network } = value
  const far = cards.find((one) => one.value.network === network && one.node.host !== node.host)
  return (
    typeof network === 'string' &&
    far !== undefined &&
    `${network} ends at its host, and ${String(far.node.name)} is on another one; give bridge instead`
  )
}

/** Every broken rule of further disks and network cards in a raw lab document. */
export function extraProblems(document: unknown): Problem[] {
  const raw = record(document)
  const nodes = nodesOf(raw)
  const [disks, cards] = [extras(nodes, 'disks'), extras(nodes, 'networks')]
  return [
    ...repeated(disks, 'name'),
    ...repeated(disks, 'mount'),
    ...repeated(cards, 'name'),
    ...sharedVolumes(nodes, disks),
    ...cards.flatMap((card) =>
      problem([...card.path, 'address'], addressProblem(raw, card, cards)),
    ),
    ...cards.flatMap((card) => problem([...card.path, 'network'], networkProblem(card, cards))),
  ]
}
