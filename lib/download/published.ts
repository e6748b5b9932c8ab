// EDGE. The checksum file that a publisher puts beside an image, and its signature where there is one.
import { fileURLToPath } from 'node:url'
import { fetchText } from './fetch.ts'
import { LabError } from '../text/errors.ts'
import { isUnvouched, signedBy, signers, type Signer } from './checksums.ts'
import { quote } from '../text/quote.ts'
import { query } from '../shell/bash.ts'
import * as ui from '../cli/ui.ts'

/** The text of the checksum file beside an image; its signature is checked where the publisher signs. */
export async function publishedSums(url: string): Promise<string> {
  const signer = signers.find(({ host }) => host === new URL(url).hostname)
  const beside = (name: string) => new URL(name, url).href
  const failures: string[] = []
  for (const name of ['SHA256SUMS', 'SHA512SUMS']) {
    const sums = await fetchText(beside(name))
    if ('failed' in sums) {
      failures.push(`${beside(name)}: ${sums.failed}`)
      continue
    }
    if (signer) await checkSignature(sums.file, `${beside(name)}.gpg`, signer)
    if (isUnvouched(url))
      ui.warn(
        `${beside(name)} came over plain http, so anyone on the path may have changed it and the image: pin image.sha256`,
      )
    return sums.text
  }
  throw new LabError(`cannot get the checksums of ${url}`, {
    details: failures,
    hint: [
      'check the internet connection of this host and try again',
      '# or use an image on this host (image.file in the lab file), or pin it (image.sha256)',
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
  if (code === 127)
    throw new LabError('gpgv is not installed', { hint: 'sudo apt-get install gpgv' })
  if (code !== 0 || !signedBy(stdout, signer.fingerprint))
    throw new LabError(`the checksum file of ${signer.host} is not signed by its publisher`, {
      details: [`expected key ${signer.fingerprint}`, ...stderr.split('\n').slice(-2)],
      hint: 'do not use this image; try again from another network',
    })
}
