// PURE. Whose the things on a host are, and what each node of the lab has there.
import { LabError } from '../text/errors.ts'
import { volumeNames, type Lab, type Node } from '../lab/lab.ts'
import type { Domain, Host, Volume } from './host.ts'
import { quote } from '../text/quote.ts'

/** This lab's, another lab's, or of somebody who has nothing to do with these scripts. */
export type Whose = 'ours' | { lab: string } | 'foreign'

export const whoseDomain = (lab: { name: string }, { owner }: Pick<Domain, 'owner'>): Whose => {
  if (!owner) return 'foreign'
  return owner.lab === lab.name ? 'ours' : { lab: owner.lab }
}

/** All labs share one pool; moved: the scripts made it, and somebody changed its directory. */
export function whosePool(
  { pool }: Lab,
  there: { uuid: string; path: string },
): 'ours' | 'moved' | 'foreign' {
  if (there.uuid !== pool.uuid) return 'foreign'
  return there.path === pool.path ? 'ours' : 'moved'
}

export const whoseNetwork = (lab: Lab, { uuid }: { uuid: string }): 'ours' | 'foreign' =>
  uuid === lab.networkUuid ? 'ours' : 'foreign'

/** A disk, snapshot or seed volume of the node's; `tag` is what a seed volume has at `tagPlace`. */
export function whoseVolume(lab: Lab, host: Host, name: string, node: string, tag = ''): Whose {
  const file = pathOf(lab, name)
  const user = foreignUser(host, lab, file)
  if (user) return whoseDomain(lab, user)
  const domain = host.domains.find((one) => one.name === node)
  if (domain?.files.includes(file)) return 'ours'
  const volume = findVolume(host, name)
  if (!name.endsWith('.iso')) return isOverlay(volume, lab) ? 'ours' : 'foreign'
  if (tag === seedTag(lab, { name: node }) || (volume && isCutOff(volume))) return 'ours'
  const other = /^rke2-kvm-lab:([^/]+)\//.exec(tag)?.[1]
  return other === undefined || other === lab.name ? 'foreign' : { lab: other }
}

/** What a node has on the host. */
export interface Machine {
  /** The node's. */
  name: string
  node: Node
  /** This lab's. */
  domain?: Domain
  /** The domain of the node's name that is not this lab's. */
  foreign?: Domain
  /** This lab's. */
  disk?: Volume
  /** The volume with the name of its seed, ours if our domain has it in the drive or its tag says so. */
  seed?: Volume
}

/** Each of the nodes with what it has. */
export function pair(lab: Lab, host: Host, nodes: Node[] = lab.nodes): Machine[] {
  const domains = new Map(host.domains.map((domain) => [domain.name, domain]))
  const isOurs = host.pool && whosePool(lab, host.pool) === 'ours'
  const volumes = new Map(isOurs ? host.volumes.map((volume) => [volume.name, volume]) : [])
  return nodes.map((node) => {
    const named = domains.get(node.name)
    const isMade = named && whoseDomain(lab, named) === 'ours'
    const disk = volumes.get(node.volume)
    const seed = volumes.get(node.seedVolume)
    return {
      name: node.name,
      node,
      ...(named && (isMade ? { domain: named } : { foreign: named })),
      ...(disk && whoseVolume(lab, host, disk.name, node.name) === 'ours' && { disk }),
      ...(seed && !foreignUser(host, lab, seed.path) && { seed }),
    }
  })
}

export const pathOf = ({ pool }: Lab, volume: string) => `${pool.path}/${volume}`

export const findVolume = (host: Host, name: string): Volume | undefined =>
  host.volumes.find((volume) => volume.name === name)

/** The files of a domain's disks, and those that they grow on. */
export function chainsOf(host: Host, { files }: Pick<Domain, 'files'>): Set<string> {
  const all = new Set(files)
  for (const file of all) {
    const backing = host.volumes.find(({ path }) => path === file)?.backing
    if (backing) all.add(backing)
  }
  return all
}

/** A disk or seed volume that a domain of somebody else uses must not be touched. */
export const foreignUser = (host: Host, lab: Lab, path: string): Domain | undefined =>
  host.domains.find(
    (domain) => whoseDomain(lab, domain) !== 'ours' && chainsOf(host, domain).has(path),
  )

/** Named as `virsh snapshot-create-as --disk-only` does: the disk's name with the snapshot's for its ending. */
export const isSnapshot = (lab: Lab, node: string, volume: string) =>
  volume.startsWith(volumeNames(lab.name, node).volume.replace(/qcow2$/, ''))

/** The tag of a disk: it grows on a base image in the pool. */
export const isOverlay = (volume: Volume | undefined, lab: Lab) =>
  volume?.backing?.startsWith(pathOf(lab, 'base-')) ?? false

/** Base images belong to all labs. */
export const isBase = (volume: string) => /^base-[0-9a-f]{16}\.qcow2$/.test(volume)

/** Text in the ISO's application field by which a seed volume is recognised as this node's. */
export const seedTag = (lab: { name: string }, node: { name: string }) =>
  `rke2-kvm-lab:${lab.name}/${node.name}`

/** Where a seed's tag is: the application field of the ISO (ECMA-119, primary volume descriptor). Bytes. */
export const tagPlace = { offset: 16 * 2048 + 574, length: 128 }

/** Whether a run was cut off before the upload of a seed volume reached its tag. */
export const isCutOff = ({ capacity }: Volume) => capacity < tagPlace.offset + tagPlace.length

// What is in the way, in one text each for doctor's findings and for the phases.

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

/** What is wrong with the pool of the scripts' name. */
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
  return new LabError(`the storage pool ${name} was moved to ${pool.path}`, {
    details: [`these scripts made it in ${path}, and the machines' disks are looked for there`],
    hint: [
      `${there} pool-edit ${name}   # put ${path} back into <path>`,
      `# the disks can be on another file system all the same: mount one at ${path}`,
    ],
  })
}

/** What is wrong with the NAT network of the lab's name. */
export function networkTrouble({ network }: Host, lab: Lab): LabError | undefined {
  if (!network || whoseNetwork(lab, network) === 'ours') return undefined
  return new LabError(
    `a libvirt network called ${lab.network.nat} exists that this lab did not make`,
    { details: ['it is left alone'], hint: 'give network.nat another name in the lab file' },
  )
}

/** The node's domain when this lab made it; a foreign one of that name is an error. */
export function ownDomain(host: Host, lab: Lab, node: Node): Domain | undefined {
  const domain = host.domains.find(({ name }) => name === node.name)
  if (domain && whoseDomain(lab, domain) !== 'ours') throw foreignDomain(lab, domain)
  return domain
}

/** The pool, when it exists, must be the one that the scripts make. */
export function checkPool(host: Host, lab: Lab): void {
  const trouble = poolTrouble(host, lab)
  if (trouble) throw trouble
}

/** The NAT network, when it exists, must be this lab's. */
export function checkNetwork(host: Host, lab: Lab): void {
  const trouble = networkTrouble(host, lab)
  if (trouble) throw trouble
}

/** Throws when a domain that is not this lab's uses the volume. */
export function checkUnused(lab: Lab, host: Host, volume: string): void {
  const user = foreignUser(host, lab, pathOf(lab, volume))
  if (!user) return
  throw new LabError(`the volume ${volume} is used by ${user.name}, which this lab did not make`, {
    hint: 'rename the node or the lab in the lab file',
  })
}
