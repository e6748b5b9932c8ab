// EDGE. The base image in the pool: uploaded once, never changed afterwards.
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fetchChecked, withCacheLock } from '../download/fetch.ts'
import { capacityOf, isCached, type Image } from '../download/image.ts'
import type { Lab } from '../lab/lab.ts'
import type { Volume } from '../libvirt/host.ts'
import { virsh, type Host } from '../libvirt/observe.ts'
import { findVolume } from '../libvirt/ownership.ts'
import { baseVolumeXml } from '../libvirt/storage-xml.ts'
import { readAgain } from '../libvirt/volumes.ts'
import { written, type Shell } from '../shell/carry-out.ts'
import { inOneShell, sh, type Check, type Step } from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { formatSize } from '../text/size.ts'

/** Does `work` with the steps that bring the base image into the pool, if it is missing, and with the pool as it is then.
 *  The image must fit on every disk. */
export async function withBaseVolume<T>(
  lab: Lab,
  before: Host,
  image: Image,
  shell: Shell,
  work: (host: Host, steps: Step[]) => Promise<T>,
): Promise<T> {
  const look = async () => {
    const host = await readAgain(lab, before, [image.volume])
    const volume = findVolume(host, image.volume)
    const isThere = volume !== undefined && (await isWhole(lab, image, volume, host))
    if (isThere) checkDiskSizes(lab, volume.capacity)
    return { host, isThere, isCutOff: volume !== undefined && !isThere }
  }
  if (before.volumeNames.includes(image.volume)) {
    const { host, isThere } = await look()
    if (isThere) return work(host, [])
  }
  // Another lab may upload it until this one has the lock.
  return withCacheLock(shell, async () => {
    const { host, isThere, isCutOff } = await look()
    return work(host, isThere ? [] : planBase(lab, image, isCutOff))
  })
}

function planBase(lab: Lab, image: Image, isCutOff: boolean): Step[] {
  const { name } = lab.pool
  const xml = `${lab.dir}/base.xml`
  const { volume, file, url } = image
  const isHere = isCached(image)
  if (isHere) checkDiskSizes(lab, capacityOf(file))
  return [
    ...(isHere || !url
      ? []
      : [
          sh`mkdir -p ${dirname(file)}`,
          ...fetchChecked(url, file, image.digest),
          diskSizeCheck(lab, file),
        ]),
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
