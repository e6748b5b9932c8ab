// PURE. Checksum files beside cloud images.
import ipaddr from 'ipaddr.js'

export interface Digest {
  algorithm: 'sha256' | 'sha512'
  hex: string
}

/** The digest of `name` in a SHA256SUMS or SHA512SUMS text; undefined when it has no line for it. */
export function findDigest(sums: string, name: string): Digest | undefined {
  for (const line of sums.split('\n')) {
    const [, hex = '', file] = /^([0-9a-f]{64}|[0-9a-f]{128}) [ *](.+)$/.exec(line.trim()) ?? []
    if (file === name) return { algorithm: hex.length === 64 ? 'sha256' : 'sha512', hex }
  }
  return undefined
}

/** The name of an image's base volume: by digest, so that all labs share it. */
export const baseVolume = (digest: Digest) => `base-${digest.hex.slice(0, 16)}.qcow2`

export interface Signer {
  /** Hosts whose checksum files must carry a signature. */
  host: string
  /** Keyring, relative to the project. */
  keyring: string
  fingerprint: string
}

/** Publishers that sign. Fingerprint: "UEC Image Automatic Signing Key", https://wiki.ubuntu.com/SecurityTeam/FAQ */
export const signers: Signer[] = [
  {
    host: 'cloud-images.ubuntu.com',
    keyring: 'lib/download/keys/ubuntu-cloud-images.gpg',
    fingerprint: 'D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81',
  },
]

/** True when checksums beside an image prove nothing: plain http, from a public address, unsigned. */
export function isUnvouched(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  const address = hostname.replace(/^\[|\]$/g, '')
  const isNear =
    hostname === 'localhost' ||
    (ipaddr.isValid(address) && ipaddr.parse(address).range() !== 'unicast')
  return protocol === 'http:' && !isNear && !signers.some(({ host }) => host === hostname)
}

/** True when gpgv's status output holds a valid signature by the key with that fingerprint. */
export function signedBy(gpgvStatus: string, fingerprint: string): boolean {
  return gpgvStatus
    .split('\n')
    .map((line) => line.split(' '))
    .some(
      ([, keyword, ...rest]) =>
        keyword === 'VALIDSIG' && [rest[0], rest.at(-1)].includes(fingerprint),
    )
}
