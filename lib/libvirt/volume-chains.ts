// PURE. Which volume grows on which, and whose they are by that.
import { volumeNames, type Lab } from '../lab/lab.ts'
import type { Host } from './observe.ts'
import type { Domain, Volume } from './host.ts'

/** The files of a domain's disks, and those that they grow on. */
export function chainsOf(host: Host, { files }: Pick<Domain, 'files'>): Set<string> {
  const all = new Set(files)
  for (const file of all) {
    const backing = host.volumes.find(({ path }) => path === file)?.backing
    if (backing) all.add(backing)
  }
  return all
}

/** Volumes of the pool that a domain uses, base images aside. */
export function usedVolumes(
  lab: Lab,
  host: Host,
  domain: Domain,
): { volume: string; node: string }[] {
  const files = chainsOf(host, domain)
  return host.volumeNames
    .filter((name) => files.has(`${lab.pool.path}/${name}`) && !name.startsWith('base-'))
    .map((volume) => ({ volume, node: domain.name }))
}

/** Named as `virsh snapshot-create-as --disk-only` does: the disk's name with the snapshot's for its ending. */
export const isSnapshot = (lab: Lab, node: string, volume: string) =>
  volume.startsWith(volumeNames(lab.name, node).volume.replace(/qcow2$/, ''))

/** The tag of a disk: it grows on a base image in the pool. */
export const isOverlay = (volume: Volume | undefined, lab: Lab) =>
  volume?.backing?.startsWith(`${lab.pool.path}/base-`) ?? false
