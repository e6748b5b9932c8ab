// EDGE. The checksum file that a publisher puts beside an image, and its signature where there is one.
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fetchText } from './fetch.ts'
import { LabError, script } from '../text/errors.ts'
import { checksumFiles, isUnvouched, signedBy, signerOf, type Signer } from './checksums.ts'
import { quote } from '../text/quote.ts'
import { query } from '../shell/bash.ts'
import * as ui from '../cli/ui.ts'

/** The text of the checksum file beside an image; its signature is checked where the publisher signs. */
export async function publishedSums(url: string): Promise<string> {
  const signer = signerOf(url)
  const beside = (name: string) => new URL(name, url).href
  const names = checksumFiles(basename(new URL(url).pathname))
  for (const name of names) {
    const sums = await fetchText(beside(name))
    if ('failed' in sums && sums.isAbsent) continue
    if ('failed' in sums)
      throw new LabError(`cannot get the checksums of ${url}`, {
        details: [`${beside(name)}: ${sums.failed}`],
        hint: [
          ...(sums.fix ?? ['check the internet connection of this host and try again']),
          '# or use an image on this host (image.file in the lab file), or pin it (image.sha256)',
        ],
      })
    if (signer) await checkSignature(sums.file, `${beside(name)}${signer.suffix}`, signer)
    if (isUnvouched(url))
      ui.warn(
        `${beside(name)} came over plain http, so anyone on the path may have changed it and the image: pin image.sha256`,
      )
    return sums.text
  }
  throw new LabError(`there is no checksum file beside ${url}`, {
    details: [`looked for ${names.join(', ')}`],
    hint: [
      '# the address may be wrong; if it is right, find the digest on a page of the publisher and write it down:',
      '# image: { url: ..., sha256: ... } in the lab file',
    ],
  })
}

/** Checks the detached signature of a checksum file; throws a LabError unless the signer's key made it. */
export async function checkSignature(
  file: string,
  signatureUrl: string,
  signer: Signer,
): Promise<void> {
  const signature = await fetchText(signatureUrl)
  if ('failed' in signature)
    throw new LabError(`cannot get the signature ${signatureUrl}: ${signature.failed}`, {
      hint: `curl -I ${quote(signatureUrl)}`,
    })
  const keyring = fileURLToPath(new URL(`../../${signer.keyring}`, import.meta.url))
  const { stdout, stderr, code } =
    await query`gpgv --status-fd 1 --keyring ${keyring} ${signature.file} ${file}`
  if (code === 127) throw new LabError('gpgv is not installed', { hint: script('doctor', '--fix') })
  if (code !== 0 || !signedBy(stdout, signer.fingerprint))
    throw new LabError(`the checksum file of ${signer.host} is not signed by its publisher`, {
      details: [`expected key ${signer.fingerprint}`, ...stderr.split('\n').slice(-2)],
      hint: 'do not use this image; try again from another network',
    })
}
