// EDGE. The base image in the pool: uploaded once, never changed afterwards.
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fetchChecked, withCacheLock } from '../download/fetch.ts'
import { capacityOf, isCached, type Image } from '../download/image.ts'
import { fileOf } from '../lab/hosts.ts'
import type { Lab } from '../lab/lab.ts'
import type { Volume } from '../libvirt/host.ts'
import { hostName } from '../libvirt/host-names.ts'
import type { Site } from '../libvirt/hosts.ts'
import { virsh, type Host } from '../libvirt/observe.ts'
import { findVolume } from '../libvirt/ownership.ts'
import { baseVolumeXml } from '../libvirt/storage-xml.ts'
import { readAgain } from '../libvirt/volumes.ts'
import { written, type Shell } from '../shell/carry-out.ts'
import {
  inOneShell,
  inOrder,
  sh,
  type Check,
  type Lane,
  type Stage,
  type Step,
} from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { formatSize } from '../text/size.ts'

/** Does `work` with the steps that bring the base image into the pools that lack it, and with the pools as they are then. The
 *  image must fit on every disk. */
export async function withBaseVolumes<T>(
  lab: Lab,
  before: Site[],
  image: Image,
  shell: Shell,
  work: (sites: Site[], steps: Base) => Promise<T>,
): Promise<T> {
  const look = async (site: Site) => {
    const host = await readAgain(site.lab, site.host, [image.volume])
    const volume = findVolume(host, image.volume)
    const isThere = volume !== undefined && (await isWhole(site.lab, image, volume, host))
    if (isThere) checkDiskSizes(site.lab, volume.capacity)
    return { lab: site.lab, host, isThere, isCutOff: volume !== undefined && !isThere }
  }
  const lookAtAll = () => Promise.all(before.map(look))
  if (before.every(({ host }) => host.volumeNames.includes(image.volume))) {
    const sites = await lookAtAll()
    if (sites.every(({ isThere }) => isThere)) return work(sites, { fetch: [], uploads: [] })
  }
  // Another lab may upload it until this one has the lock.
  return withCacheLock(shell, async () => {
    const sites = await lookAtAll()
    const lacking = sites.filter(({ isThere }) => !isThere)
    const uploads = lacking.map(({ lab, isCutOff }): Lane => ({
      name: lab.on === undefined ? '' : hostName(lab),
      steps: planUpload(lab, image, isCutOff),
    }))
    return work(sites, { fetch: lacking.length > 0 ? planFetch(lab, image) : [], uploads })
  })
}

/** The steps that bring the image to this host, and from there to the pools. */
export interface Base {
  fetch: Step[]
  uploads: Lane[]
}

/** The stages that bring the image, the base of further disks (`empty`) and the seeds into the pools, all at the same time. */
export function planUploads({ fetch, uploads }: Base, empty: Step[], seeds: Lane[]): Stage[] {
  const title = 'Base image and seeds'
  const [only, ...more] = uploads
  const own = { name: '', steps: [...fetch, ...(only?.steps ?? []), ...empty] }
  if (more.length === 0) return [{ title, lanes: [own, ...seeds] }]
  return [
    ...(fetch.length > 0 ? [inOrder('Image', fetch)] : []),
    { title, lanes: [...uploads, { name: '', steps: empty }, ...seeds] },
  ]
}

function planFetch(lab: Lab, image: Image): Step[] {
  const { file, url } = image
  const isHere = isCached(image)
  if (isHere) checkDiskSizes(lab, capacityOf(file))
  if (isHere || !url) return []
  return [
    sh`mkdir -p ${dirname(file)}`,
    ...fetchChecked(url, file, image.digest),
    diskSizeCheck(lab, file),
  ]
}

function planUpload(lab: Lab, { volume, file }: Image, isCutOff: boolean): Step[] {
  const { name } = lab.pool
  const xml = fileOf(lab, 'base', 'xml')
  return [
    ...(isCutOff ? [sh`${virsh(lab)} vol-delete --pool ${name} ${volume}`] : []),
    ...written(xml, baseVolumeXml(volume)),
    ...inOneShell([
      sh`${virsh(lab)} vol-create --pool ${name} ${xml}`,
      sh`${virsh(lab)} vol-upload --pool ${name} ${volume} ${file}`,
    ]),
  ]
}

// An interrupted upload leaves a shorter file. Without the image on this host, a disk based on it proves that it is whole.
async function isWhole(lab: Lab, image: Image, volume: Volume, host: Host): Promise<boolean> {
  if (isCached(image)) return volume.physical === statSync(image.file).size
  const { volumes } = await readAgain(lab, host, host.volumeNames)
  return volumes.some(({ backing }) => backing === volume.path)
}

function diskSizeCheck(lab: Lab, file: string): Check {
  const smallest = Math.min(...lab.nodes.map(({ disk }) => disk))
  const size = commandText`$(od -An -tu8 --endian=big -j24 -N8 ${file})`
  return {
    do: 'check',
    bash: `test "${commandText`$(od -An -tx1 -N4 ${file})`}" = ' 51 46 49 fb' # it is qcow2
test ${size} -le ${smallest} # and it fits on every disk`,
    holds: async () => checkDiskSizes(lab, capacityOf(file)),
  }
}

/** Throws when a disk is smaller than the capacity (bytes). */
export function checkDiskSizes(lab: Lab, capacity: number): void {
  const small = lab.nodes.filter(({ disk }) => disk < capacity)
  if (small.length > 0)
    throw new LabError(
      `${small.map(({ name }) => name).join(', ')}: the disk is smaller than the image (${formatSize(capacity)})`,
      { hint: `give disk: ${Math.ceil(capacity / 2 ** 30)}GiB or more in the lab file` },
    )
}
