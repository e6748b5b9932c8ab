// EDGE. The base image in the pool: uploaded once, written by nothing after that.
import { statSync } from 'node:fs'
import { withCacheLock } from '../download/cache.ts'
import { download } from '../download/fetch.ts'
import { LabError } from '../text/errors.ts'
import { capacityOf, isCached, type Image } from '../download/image.ts'
import type { Lab } from '../lab/lab.ts'
import { observe, virsh, type Host } from '../libvirt/observe.ts'
import { readVolume } from '../libvirt/volumes.ts'
import { findVolume } from '../libvirt/ownership.ts'
import type { Volume } from '../libvirt/host.ts'
import { run, write } from '../shell/shell.ts'
import { formatSize } from '../text/size.ts'
import { baseVolumeXml } from '../libvirt/storage-xml.ts'
import * as ui from '../cli/ui.ts'

/** Makes sure that the pool holds the base image, downloading and uploading it when it does not. It must fit on every disk. */
export async function ensureBaseVolume(lab: Lab, host: Host, image: Image): Promise<void> {
  const volume = findVolume(host, image.volume)
  if (volume && (await isWhole(lab, image, volume))) return checkDiskSizes(lab, volume.capacity)
  await withCacheLock(() => makeBaseVolume(lab, image))
}

// Another lab may have made it meanwhile: looked at anew.
async function makeBaseVolume(lab: Lab, image: Image): Promise<void> {
  const found = await readVolume(lab, image.volume)
  if (found && (await isWhole(lab, image, found))) return checkDiskSizes(lab, found.capacity)
  if (!isCached(image)) await downloadImage(image)
  if (isCached(image)) checkDiskSizes(lab, capacityOf(image.file)) // a dry run may have none
  if (found) await run`${virsh(lab)} vol-delete --pool ${lab.pool.name} ${image.volume}`
  const xml = `${lab.dir}/base.xml`
  write(xml, baseVolumeXml(image.volume))
  await run`${virsh(lab)} vol-create --pool ${lab.pool.name} ${xml}`
  await run`${virsh(lab)} vol-upload --pool ${lab.pool.name} ${image.volume} ${image.file}`
}

// An upload that was cut off leaves a shorter file. Without the image at hand, a disk that grew on the base vouches for it.
async function isWhole(lab: Lab, image: Image, volume: Volume): Promise<boolean> {
  if (isCached(image)) return volume.physical === statSync(image.file).size
  const { volumes } = await observe(lab, (await observe(lab)).volumeNames)
  return volumes.some(({ backing }) => backing === volume.path)
}

async function downloadImage(image: Image): Promise<void> {
  if (!image.url) return
  ui.detail(`${image.url}`)
  await download(image.url, image.file, image.digest)
  ui.detail(`kept as ${image.file}, ${image.digest.algorithm} checked`)
}

/** Throws when the capacity (bytes) is more than a disk has. */
export function checkDiskSizes(lab: Lab, capacity: number): void {
  const small = lab.nodes.filter(({ disk }) => disk < capacity)
  if (small.length > 0)
    throw new LabError(
      `${small.map(({ name }) => name).join(', ')}: the disk is smaller than the image (${formatSize(capacity)})`,
      { hint: `give disk: ${Math.ceil(capacity / 2 ** 30)}GiB or more in the lab file` },
    )
}
