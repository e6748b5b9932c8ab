// PURE. The volumes that destroy deletes, and those it leaves alone although they look like the lab's.
import { volumeNames, type Lab } from '../lab/lab.ts'
import type { Domain, Host } from '../libvirt/host.ts'
import {
  chainsOf,
  foreignUser,
  isFurther,
  pathOf,
  volumesOfNode,
  whoseVolume,
} from '../libvirt/ownership.ts'

/** Whether a volume is named as by `virsh snapshot-create-as --disk-only`: disk name, dot, snapshot name. A further disk must be
 *  ours itself: it may have been made and attached by hand. */
const isSnapshot = (lab: Lab, host: Host, volume: string, node: string, disks: string[]) =>
  disks.some(
    (disk) =>
      volume.startsWith(disk.replace(/qcow2$/, '')) &&
      (!isFurther(lab, node, disk) || whoseVolume(lab, host, disk, node) === 'ours'),
  )

/** Disks and seed of a node; further disks as in the lab file, and those that its domain has. */
function namesOf(lab: Lab, host: Host, domains: Domain[], node: string): string[] {
  const { volume, seedVolume } = volumeNames(lab.name, node)
  const { files = [] } = domains.find(({ name }) => name === node) ?? {}
  const used = host.volumeNames.filter(
    (name) =>
      isFurther(lab, node, name) &&
      files.includes(pathOf(lab, name)) &&
      whoseVolume(lab, host, name, node) === 'ours',
  )
  const known = lab.nodes.find(({ name }) => name === node)?.disks ?? []
  return [...new Set([volume, seedVolume, ...known.map((disk) => disk.volume), ...used])]
}

/** Whether it is a base image; all labs share them. */
const isBase = (volume: string) => /^base-[0-9a-f]{16}\.qcow2$/.test(volume)

interface Named {
  volume: string
  node: string
}

/** The lab's volumes, overlays before their backing files, and those that only look like the lab's. */
export function volumesOf(
  lab: Lab,
  host: Host,
  domains: Domain[],
  names: string[],
  tags: Map<string, string>,
): { volumes: string[]; leftAlone: string[] } {
  const there: Named[] = names
    .flatMap((node) => namesOf(lab, host, domains, node).map((volume) => ({ node, volume })))
    .filter(({ volume }) => host.volumeNames.includes(volume))
  const isThere = ({ volume }: Named) => there.some((one) => one.volume === volume)
  const own = there.filter(
    ({ volume, node }) => whoseVolume(lab, host, volume, node, tags.get(volume)) === 'ours',
  )
  const used = domains.flatMap((domain) => usedVolumes(lab, host, domain))
  const snapshots = snapshotsOf(lab, host, domains, [...used, ...growingOn(lab, host, own)]).filter(
    (one) => !isThere(one),
  )
  const volumes = [...new Set([...snapshots, ...own].map(({ volume }) => volume))]
  const isLeft = ({ volume }: Named) => !volumes.includes(volume)
  return {
    volumes,
    leftAlone: [
      ...there
        .filter(isLeft)
        .map(({ volume }) =>
          foreignUser(host, lab, pathOf(lab, volume))
            ? `volume ${volume}: a domain that this lab did not make uses it`
            : `volume ${volume}: this lab did not make it`,
        ),
      ...used
        .filter((one) => isLeft(one) && !isThere(one))
        .map(
          ({ volume, node }) => `volume ${volume}: ${node} uses it, but this lab did not make it`,
        ),
    ],
  }
}

const chainOf = (lab: Lab, host: Host, volume: string) =>
  chainsOf(host, { files: [pathOf(lab, volume)] })

/** Volumes of the pool that a domain uses, without base images. */
function usedVolumes(lab: Lab, host: Host, domain: Domain): Named[] {
  const files = chainsOf(host, domain)
  return host.volumeNames
    .filter((name) => files.has(pathOf(lab, name)) && !name.startsWith('base-'))
    .map((volume) => ({ volume, node: domain.name }))
}

// After an interrupted removal no domain names these any more, but the node's disk is their backing file.
const growingOn = (lab: Lab, host: Host, own: Named[]): Named[] =>
  own.flatMap(({ volume: disk, node }) =>
    host.volumeNames
      .filter((volume) => chainOf(lab, host, volume).has(pathOf(lab, disk)))
      .map((volume) => ({ volume, node })),
  )

const snapshotsOf = (lab: Lab, host: Host, domains: Domain[], all: Named[]): Named[] =>
  all
    .filter(
      ({ volume, node }) =>
        isSnapshot(lab, host, volume, node, namesOf(lab, host, domains, node)) &&
        !foreignUser(host, lab, pathOf(lab, volume)),
    )
    .sort(
      (one, other) => chainOf(lab, host, other.volume).size - chainOf(lab, host, one.volume).size, // from the top down
    )

/** Base images that no disk uses once these volumes are removed. */
export function unusedImages(lab: Lab, host: Host, removed: string[]): string[] {
  const inUse = host.volumes
    .filter(({ name }) => !removed.includes(name))
    .map(({ backing }) => backing)
  return host.volumeNames.filter(
    (name) =>
      isBase(name) &&
      !inUse.some((backing) => backing?.endsWith(`/${name}`)) &&
      !foreignUser(host, lab, pathOf(lab, name)),
  )
}

/** Volumes named like this lab's, but of an unknown node, perhaps one that was removed from the lab file. */
export function strangers(lab: Lab, host: Host, removed: string[]): string[] {
  const used = new Set(host.domains.flatMap(({ files }) => files))
  const ofNodes = [...lab.nodes, ...(lab.others ?? [])].flatMap(volumesOfNode)
  return host.volumeNames
    .filter((name) => name.startsWith(`${lab.name}-`) && !removed.includes(name))
    .filter((name) => !used.has(pathOf(lab, name)) && !ofNodes.includes(name))
    .map((name) => `volume ${name}: no node of the lab file and no domain uses it`)
}
