// EDGE. The cloud image of a lab, known by its digest.
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, openSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { cacheDir } from './fetch.ts'
import { LabError } from '../text/errors.ts'
import { baseVolume, findDigest, type Digest } from './checksums.ts'
import { imageProblem, qcow2Header } from './qcow2.ts'
import type { Lab } from '../lab/lab.ts'
import { publishedSums } from './published.ts'
import { readText } from '../shell/bash.ts'

export interface Image {
  /** Name of the base volume in the pool. */
  volume: string
  /** The image on this host; with a url it may not be there yet. */
  file: string
  digest: Digest
  url?: string
}

/** Caches a text under a name. */
type Remember = (file: string, text: string) => void

/** Finds the image of the lab. Fetches checksum files unless the digest is known. */
export async function findImage(lab: Lab, remember: Remember): Promise<Image> {
  const { url, file, sha256 } = lab.image
  if (file !== undefined) return localImage(file, sha256, remember)
  if (url === undefined) throw new Error('a lab has a url or a file')
  const digest = sha256
    ? ({ algorithm: 'sha256', hex: sha256 } as const)
    : await publishedDigest(url, remember)
  return imageOf(url, digest)
}

const imageOf = (url: string, digest: Digest): Image => ({
  volume: baseVolume(digest),
  file: join(cacheDir(), 'images', `${digest.hex.slice(0, 16)}-${basename(new URL(url).pathname)}`),
  digest,
  url,
})

async function localImage(
  file: string,
  pinned: string | undefined,
  remember: Remember,
): Promise<Image> {
  const hex = await sha256Of(file, remember).catch((error: Error) => {
    throw new LabError(`cannot read the image ${file}: ${error.message}`, {
      hint: 'correct image.file in the lab file',
      cause: error,
    })
  })
  const digest = { algorithm: 'sha256', hex } as const
  if (pinned !== undefined && pinned !== digest.hex)
    throw new LabError(`${file} is not the image that image.sha256 pins`, {
      details: [`pinned ${pinned}`, `found  ${digest.hex}`],
      hint: 'correct image.sha256 in the lab file, or put the right image there',
    })
  capacityOf(file)
  return { volume: baseVolume(digest), file, digest }
}

// Hashing half a gigabyte takes seconds; an unchanged file (size, time, inode) keeps its digest.
async function sha256Of(file: string, remember: Remember): Promise<string> {
  const { dev, ino, size, mtimeMs } = statSync(file)
  const known = join(cacheDir(), 'digests', `${dev}-${ino}-${size}-${mtimeMs}`)
  const cached = readText(known)?.trim()
  if (cached) return cached
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash)
  const hex = hash.digest('hex')
  remember(known, `${hex}\n`)
  return hex
}

/** The size (bytes) of the disk in an image; throws when it is not a qcow2 file that stands by itself. */
export function capacityOf(file: string): number {
  const header = Buffer.alloc(qcow2Header)
  const handle = openSync(file, 'r')
  readSync(handle, header, 0, header.length, 0)
  closeSync(handle)
  const problem = imageProblem(header, file)
  if (problem) throw new LabError(`${file} ${problem.found}`, { hint: problem.fix })
  return Number(header.readBigUInt64BE(24))
}

async function publishedDigest(url: string, remember: Remember): Promise<Digest> {
  const known = join(cacheDir(), 'sums', encodeURIComponent(url))
  const name = basename(new URL(url).pathname)
  const kept = findDigest(readText(known) ?? '', name)
  if (kept && isCached(imageOf(url, kept))) return kept // otherwise the publisher may have a newer one
  const digest = findDigest(await publishedSums(url), name)
  if (!digest)
    throw new LabError(`the publisher's checksum file has no line for ${name}`, {
      hint: 'pin the image: image.sha256 in the lab file',
    })
  remember(known, `${digest.hex}  ${name}\n`)
  return digest
}

/** Whether the image is on this host. */
export const isCached = (image: Image) =>
  statSync(image.file, { throwIfNoEntry: false }) !== undefined
