// PURE. Who owns what on a host, and what each node of the lab has there.
import { LabError, line, script } from '../text/errors.ts'
import { moreOf } from '../lab/extras.ts'
import { volumeNames, type Lab, type Node } from '../lab/lab.ts'
import type { Domain, Host, Volume } from './host.ts'
import { quote } from '../text/quote.ts'
import { emptyBase, isEmptyBase } from './storage-xml.ts'

/** Owned by this lab, by another lab, or by neither. */
export type Whose = 'ours' | { lab: string } | 'foreign'

export const whoseDomain = (lab: { name: string }, { owner }: Pick<Domain, 'owner'>): Whose => {
  if (!owner) return 'foreign'
  return owner.lab === lab.name ? 'ours' : { lab: owner.lab }
}

/** All labs share one pool; moved: the scripts made it, but its directory was changed later. */
export function whosePool(
  { pool }: Lab,
  there: { uuid: string; path: string },
): 'ours' | 'moved' | 'foreign' {
  if (there.uuid !== pool.uuid) return 'foreign'
  return there.path === pool.path ? 'ours' : 'moved'
}

export const whoseNetwork = (lab: Lab, { uuid }: { uuid: string }): 'ours' | 'foreign' =>
  uuid === lab.networkUuid ? 'ours' : 'foreign'

/** Who owns a disk, snapshot or seed volume of a node; `tag` is what a seed volume has at `tagPlace`. */
export function whoseVolume(lab: Lab, host: Host, name: string, node: string, tag = ''): Whose {
  const file = pathOf(lab, name)
  const user = foreignUser(host, lab, file)
  if (user) return whoseDomain(lab, user)
  const domain = host.domains.find((one) => one.name === node)
  const volume = findVolume(host, name)
  // It may also have been made and attached by hand.
  if (isFurther(lab, node, name))
    return volume?.backing === pathOf(lab, emptyBase(lab)) ? 'ours' : 'foreign'
  if (domain?.files.includes(file)) return 'ours'
  if (!name.endsWith('.iso')) return isOverlay(volume, lab) ? 'ours' : 'foreign'
  if (tag === seedTag(lab, { name: node }) || (volume && isCutOff(volume))) return 'ours'
  const other = /^rke2-kvm-lab:([^/]+)\//.exec(tag)?.[1]
  return other === undefined || other === lab.name ? 'foreign' : { lab: other }
}

/** Whether a volume is called like a further disk of a node. */
export const isFurther = (lab: { name: string }, node: string, volume: string): boolean =>
  volume.endsWith('.qcow2') && volume.startsWith(moreOf(volumeNames(lab.name, node).volume))

/** The names of all volumes of a node. */
export const volumesOfNode = ({ volume, seedVolume, disks }: Node): string[] => [
  volume,
  seedVolume,
  ...disks.map((disk) => disk.volume),
]

/** What a node has on the host. */
export interface Machine {
  name: string
  node: Node
  /** Its domain, made by this lab. */
  domain?: Domain
  /** A domain of the node's name that this lab did not make. */
  foreign?: Domain
  /** The host that has its domain, where the lab file names another one. */
  elsewhere?: string
  /** Its disk, made by this lab. */
  disk?: Volume
  /** Its further disks, made by this lab, if there are any. */
  more?: Volume[]
  /** The volume with the name of its seed; this lab's if its domain or its tag says so. */
  seed?: Volume
}

/** Pairs each node with what it has. */
export function pair(lab: Lab, host: Host, nodes: Node[] = lab.nodes): Machine[] {
  const domains = new Map(host.domains.map((domain) => [domain.name, domain]))
  const isOurs = host.pool && whosePool(lab, host.pool) === 'ours'
  const volumes = new Map(isOurs ? host.volumes.map((volume) => [volume.name, volume]) : [])
  return nodes.map((node) => {
    const named = domains.get(node.name)
    const isMade = named && whoseDomain(lab, named) === 'ours'
    const ours = (name: string) =>
      whoseVolume(lab, host, name, node.name) === 'ours' ? volumes.get(name) : undefined
    const disk = ours(node.volume)
    const more = node.disks.flatMap(({ volume }) => ours(volume) ?? [])
    const seed = volumes.get(node.seedVolume)
    return {
      name: node.name,
      node,
      ...(named && (isMade ? { domain: named } : { foreign: named })),
      ...(disk && { disk }),
      ...(more.length > 0 && { more }),
      ...(seed && !foreignUser(host, lab, seed.path) && { seed }),
    }
  })
}

export const pathOf = ({ pool }: Lab, volume: string) => `${pool.path}/${volume}`

export const findVolume = (host: Host, name: string): Volume | undefined =>
  host.volumes.find((volume) => volume.name === name)

/** The files of a domain's disks and their backing files. */
export function chainsOf(host: Host, { files }: Pick<Domain, 'files'>): Set<string> {
  const all = new Set(files)
  for (const file of all) {
    const backing = host.volumes.find(({ path }) => path === file)?.backing
    if (backing) all.add(backing)
  }
  return all
}

/** The domain of another owner that uses this file; then it must not be changed. */
export const foreignUser = (host: Host, lab: Lab, path: string): Domain | undefined =>
  host.domains.find(
    (domain) => whoseDomain(lab, domain) !== 'ours' && chainsOf(host, domain).has(path),
  )

/** What marks a first disk as ours: it is an overlay of a base image in the pool. */
const isOverlay = (volume: Volume | undefined, lab: Lab) =>
  (volume?.backing?.startsWith(pathOf(lab, 'base-')) && !isEmptyBase(volume.backing)) ?? false

/** The text in the ISO's application field that marks a seed volume as this node's. */
export const seedTag = (lab: { name: string }, node: { name: string }) =>
  `rke2-kvm-lab:${lab.name}/${node.name}`

/** Where a seed has its tag, in bytes: the application field of the ISO (ECMA-119, primary volume descriptor). */
export const tagPlace = { offset: 16 * 2048 + 574, length: 128 }

/** Whether the upload of a seed volume was interrupted before its tag. */
export const isCutOff = ({ capacity }: Volume) => capacity < tagPlace.offset + tagPlace.length

// One error for each obstacle, for doctor's findings and for the phases.

/** The error for a domain that has a node's name. */
export function foreignDomain(lab: Lab, { name, owner }: Domain): LabError {
  const whose = owner ? `lab ${owner.lab}` : 'something else'
  return new LabError(`${name}: a domain of that name exists already and belongs to ${whose}`, {
    details: ['it is left alone'],
    hint: [
      'rename the node in the lab file',
      `# or look at it: virsh -c ${quote(lab.libvirt)} dominfo ${name}`,
    ],
  })
}

/** The error for a volume that has the name of one of the lab's. */
export const foreignVolume = (lab: Lab, volume: string) =>
  new LabError(`a volume called ${volume} exists that this lab did not make`, {
    details: ['it is left alone'],
    hint: [
      'rename the node or the lab in the lab file',
      `# or look at it: virsh -c ${quote(lab.libvirt)} vol-info --pool ${lab.pool.name} ${volume}`,
    ],
  })

/** The error for a pool of our name that is not ours or was moved. */
export function poolTrouble({ pool }: Host, lab: Lab): LabError | undefined {
  const whose = pool ? whosePool(lab, pool) : 'ours'
  if (!pool || whose === 'ours') return undefined
  const { name, path } = lab.pool
  const there = `virsh -c ${quote(lab.libvirt)}`
  if (whose === 'foreign')
    return new LabError(`a storage pool called ${name} exists that these scripts did not make`, {
      details: [`its directory is ${pool.path}; it is left alone`],
      hint: `${there} pool-dumpxml ${name}`,
    })
  return new LabError(`the storage pool ${name} is in ${pool.path}, the lab file says ${path}`, {
    details: ['all labs of a host share it'],
    hint: [
      ...(pool.path.endsWith(`/${name}`)
        ? [
            `# if the disks are there, write it into the lab file: pool: ${pool.path}`,
            line('# with that line, ', script('destroy', '--images'), ' removes it for another'),
          ]
        : []),
      `# if you moved it by hand: ${there} pool-edit ${name}   # ${path} back into <path>`,
    ],
  })
}

/** The error for a network with the name of the lab's NAT network that is not ours. */
export function networkTrouble({ network }: Host, lab: Lab): LabError | undefined {
  if (!network || whoseNetwork(lab, network) === 'ours') return undefined
  return new LabError(
    `a libvirt network called ${lab.network.nat} exists that this lab did not make`,
    { details: ['it is left alone'], hint: 'give network.nat another name in the lab file' },
  )
}

/** Throws when a domain of another owner uses the volume. */
export function checkUnused(lab: Lab, host: Host, volume: string): void {
  const user = foreignUser(host, lab, pathOf(lab, volume))
  if (!user) return
  throw new LabError(`the volume ${volume} is used by ${user.name}, which this lab did not make`, {
    hint: 'rename the node or the lab in the lab file',
  })
}
