// PURE. Checksum files beside cloud images.
import ipaddr from 'ipaddr.js'

export interface Digest {
  algorithm: 'sha256' | 'sha512'
  hex: string
}

const hexDigest = '[0-9a-f]{128}|[0-9a-f]{64}'
const gnuLine = new RegExp(`^(?<hex>${hexDigest}) [ *]?(?<file>.+)$`)
const bsdLine = new RegExp(String.raw`^SHA(?:256|512) \((?<file>.+)\) = (?<hex>${hexDigest})$`)

/** The digest of `name` in a checksum file, of coreutils' form or of BSD's; undefined when it has no line for it. */
export function findDigest(sums: string, name: string): Digest | undefined {
  for (const line of sums.split('\n')) {
    const { hex = '', file } =
      (bsdLine.exec(line.trim()) ?? gnuLine.exec(line.trim()))?.groups ?? {}
    if (file === name) return { algorithm: hex.length === 64 ? 'sha256' : 'sha512', hex }
  }
  return undefined
}

/** The names under which publishers put a checksum file beside an image. */
export const checksumFiles = (image: string) => [
  'SHA256SUMS',
  'SHA512SUMS',
  'CHECKSUM',
  `${image}.CHECKSUM`,
  `${image}.sha256`,
]

/** The name of an image's base volume: by digest, so that all labs share it. */
export const baseVolume = (digest: Digest) => `base-${digest.hex.slice(0, 16)}.qcow2`

export interface Signer {
  /** Checksum files below this address must carry a signature. */
  host: string
  folder: string
  /** What the signature's name has behind that of the checksum file. */
  suffix: '.gpg' | '.asc'
  /** Keyring, relative to the project. */
  keyring: string
  fingerprint: string
}

/** Publishers that sign. Fingerprints: https://wiki.ubuntu.com/SecurityTeam/FAQ ("UEC Image Automatic Signing Key"),
 *  https://rockylinux.org/gpg-key-info, https://wiki.almalinux.org/release-notes/10.2.html. Debian signs nothing. */
export const signers: Signer[] = [
  {
    host: 'dl.rockylinux.org',
    folder: '/pub/rocky/10',
    suffix: '.asc',
    keyring: 'lib/download/keys/rocky-10.gpg',
    fingerprint: 'FC226859C0860BF0DDB95B085B106C736FEDFC85',
  },
  {
    host: 'repo.almalinux.org',
    folder: '/almalinux/10',
    suffix: '.asc',
    keyring: 'lib/download/keys/almalinux-10.gpg',
    fingerprint: 'EE6DB7B98F5BF5EDD9DA0DE5DEE5C11CC2A1E572',
  },
  {
    host: 'cloud-images.ubuntu.com',
    folder: '/',
    suffix: '.gpg',
    keyring: 'lib/download/keys/ubuntu-cloud-images.gpg',
    fingerprint: 'D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81',
  },
]

/** Who signs the checksums beside an image; undefined when its publisher does not. */
export function signerOf(url: string): Signer | undefined {
  const { hostname, pathname } = new URL(url)
  return signers.find(({ host, folder }) => host === hostname && pathname.startsWith(folder))
}

/** True when checksums beside an image prove nothing: plain http, from a public address, unsigned. */
export function isUnvouched(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  const address = hostname.replace(/^\[|\]$/g, '')
  const isNear =
    hostname === 'localhost' ||
    (ipaddr.isValid(address) && ipaddr.parse(address).range() !== 'unicast')
  return protocol === 'http:' && !isNear && !signerOf(url)
}

/** True when gpgv's status output holds a valid signature by the key with that fingerprint. An expired key that is pinned
 *  here still counts; a revoked one and an expired signature do not. */
export function signedBy(gpgvStatus: string, fingerprint: string): boolean {
  const lines = gpgvStatus.split('\n').map((line) => line.split(' '))
  if (lines.some(([, keyword = '']) => /^(BADSIG|EXPSIG|REVKEYSIG)$/.test(keyword))) return false
  return lines.some(
    ([, keyword, ...rest]) =>
      keyword === 'VALIDSIG' && [rest[0], rest.at(-1)].includes(fingerprint),
  )
}
