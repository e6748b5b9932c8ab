// EDGE. Cloud images: which one, into the cache with its digest checked, and once into the pool.
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { cacheDir, withCacheLock } from './cache.ts'
import { download, fetchText, writeCache } from './download.ts'
import { LabError } from './errors.ts'
import {
  baseVolume,
  findDigest,
  signedBy,
  signers,
  type Digest,
  type Signer,
} from './image-sums.ts'
import type { Lab } from './lab.ts'
import { findVolume, observe, readVolume, virsh, type Host } from './libvirt.ts'
import type { Volume } from './parse.ts'
import { quote } from './quote.ts'
import { query, readText, run, write } from './shell.ts'
import { formatSize } from './size.ts'
import { baseVolumeXml } from './storage-xml.ts'
import * as ui from './ui.ts'

export interface Image {
  /** Name of the base volume in the pool. */
  volume: string
  /** The image on this host; it may not be there yet when there is a url. */
  file: string
  digest: Digest
  url?: string
}

/** Finds out which image the lab means, by its digest. Reads checksum files over the network unless it is known. */
export async function findImage(lab: Lab): Promise<Image> {
  const { url, file, sha256 } = lab.image
  if (file !== undefined) return localImage(file, sha256)
  if (url === undefined) throw new Error('a lab has a url or a file')
  const digest = sha256
    ? ({ algorithm: 'sha256', hex: sha256 } as const)
    : await publishedDigest(url)
  return imageOf(url, digest)
}

const imageOf = (url: string, digest: Digest): Image => ({
  volume: baseVolume(digest),
  file: join(cacheDir(), 'images', `${digest.hex.slice(0, 16)}-${basename(new URL(url).pathname)}`),
  digest,
  url,
})

async function localImage(file: string, pinned: string | undefined): Promise<Image> {
  const digest = { algorithm: 'sha256', hex: await sha256Of(file) } as const
  if (pinned !== undefined && pinned !== digest.hex)
    throw new LabError(`${file} is not the image that image.sha256 pins`, {
      details: [`pinned ${pinned}`, `found  ${digest.hex}`],
      hint: 'correct image.sha256 in the lab file, or put the right image there',
    })
  checkQcow2(file)
  return { volume: baseVolume(digest), file, digest }
}

async function sha256Of(file: string): Promise<string> {
  try {
    return await rememberedSha256(file)
  } catch (error) {
    throw new LabError(`cannot read the image ${file}: ${(error as Error).message}`, {
      hint: 'correct image.file in the lab file',
      cause: error,
    })
  }
}

// Hashing half a gigabyte takes seconds; an unchanged file (size, time, inode) keeps its digest.
async function rememberedSha256(file: string): Promise<string> {
  const { dev, ino, size, mtimeMs } = statSync(file)
  const known = join(cacheDir(), 'digests', `${dev}-${ino}-${size}-${mtimeMs}`)
  const cached = readText(known)?.trim()
  if (cached) return cached
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash)
  const hex = hash.digest('hex')
  writeCache(known, `${hex}\n`)
  return hex
}

function checkQcow2(file: string): void {
  const magic = Buffer.alloc(4)
  const handle = openSync(file, 'r')
  readSync(handle, magic, 0, 4, 0)
  closeSync(handle)
  if (magic.toString('latin1') !== 'QFI\xfb')
    throw new LabError(`${file} is not a qcow2 image`, {
      hint: `qemu-img convert -O qcow2 ${quote(file)} ${quote(`${file}.qcow2`)}`,
    })
}

async function publishedDigest(url: string): Promise<Digest> {
  const remembered = join(cacheDir(), 'sums', encodeURIComponent(url))
  const name = basename(new URL(url).pathname)
  const kept = findDigest(readText(remembered) ?? '', name)
  if (kept && isCached(imageOf(url, kept))) return kept // else the publisher may have a newer one by now
  const signer = signers.find(({ host }) => host === new URL(url).hostname)
  const sums = await publishedSums(url, signer)
  const digest = findDigest(sums, name)
  if (!digest)
    throw new LabError(`the publisher's checksum file has no line for ${name}`, {
      hint: 'pin the image: image.sha256 in the lab file',
    })
  writeCache(remembered, `${digest.hex}  ${name}\n`)
  return digest
}

async function publishedSums(url: string, signer: Signer | undefined): Promise<string> {
  const beside = (name: string) => new URL(name, url).href
  const failures: string[] = []
  for (const name of ['SHA256SUMS', 'SHA512SUMS']) {
    const sums = await fetchText(beside(name))
    if ('failed' in sums) {
      failures.push(`${beside(name)}: ${sums.failed}`)
      continue
    }
    if (signer) await checkSignature(sums.file, `${beside(name)}.gpg`, signer)
    return sums.text
  }
  throw new LabError(`cannot get the checksums of ${url}`, {
    details: failures,
    hint: [
      'check the internet connection of this host and try again',
      '# or use an image at hand: image.file in the lab file; or pin it: image.sha256',
    ],
  })
}

/** Checks a checksum file against its detached signature; throws a LabError unless that key signed it. */
export async function checkSignature(
  file: string,
  signatureUrl: string,
  signer: Signer,
): Promise<void> {
  const signature = await fetchText(signatureUrl)
  if ('failed' in signature)
    throw new LabError(`cannot get the signature ${signatureUrl}: ${signature.failed}`)
  const keyring = fileURLToPath(new URL(`../${signer.keyring}`, import.meta.url))
  const { stdout, stderr, code } =
    await query`gpgv --status-fd 1 --keyring ${keyring} ${signature.file} ${file}`
  if (code === 127)
    throw new LabError('gpgv is not installed', { hint: 'sudo apt-get install gpgv' })
  if (code !== 0 || !signedBy(stdout, signer.fingerprint))
    throw new LabError(`the checksum file of ${signer.host} is not signed by its publisher`, {
      details: [`expected key ${signer.fingerprint}`, ...stderr.split('\n').slice(-2)],
      hint: 'do not use this image; try again from another network',
    })
}

/** Whether the image lies on this host. */
export const isCached = (image: Image) =>
  statSync(image.file, { throwIfNoEntry: false }) !== undefined

/** Makes sure that the pool holds the base image, downloading and uploading it when it does not. Returns its capacity in bytes. */
export async function ensureBaseVolume(lab: Lab, host: Host, image: Image): Promise<number> {
  const volume = findVolume(host, image.volume)
  if (volume && (await isWhole(lab, image, volume))) return volume.capacity
  return withCacheLock(() => makeBaseVolume(lab, image))
}

// Another lab may have made it meanwhile: looked at anew.
async function makeBaseVolume(lab: Lab, image: Image): Promise<number> {
  const found = await readVolume(lab, image.volume)
  if (found && (await isWhole(lab, image, found))) return found.capacity
  if (!isCached(image)) await downloadImage(image)
  if (found) await run`${virsh(lab)} vol-delete --pool ${lab.pool.name} ${image.volume}`
  const xml = `${lab.dir}/base.xml`
  write(xml, baseVolumeXml(image.volume))
  await run`${virsh(lab)} vol-create --pool ${lab.pool.name} ${xml}`
  await run`${virsh(lab)} vol-upload --pool ${lab.pool.name} ${image.volume} ${image.file}`
  return (await readVolume(lab, image.volume))?.capacity ?? 0
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

/** An image must fit on the smallest disk; capacity 0 means not known yet. */
export function checkDiskSizes(lab: Lab, capacity: number): void {
  const small = lab.nodes.filter(({ disk }) => disk < capacity)
  if (small.length > 0)
    throw new LabError(
      `${small.map(({ name }) => name).join(', ')}: the disk is smaller than the image (${formatSize(capacity)})`,
      { hint: `give disk: ${Math.ceil(capacity / 2 ** 30)}GiB or more in the lab file` },
    )
}
