// PURE. Where the files of an RKE2 release are and what they are called.
import type { Lab } from '../lab/lab.ts'

const downloads = 'https://github.com/rancher/rke2/releases/download'
const sources = 'https://raw.githubusercontent.com/rancher/rke2'

const arch = 'amd64'

export interface ReleaseFile {
  name: string
  url: string
}

export interface Release {
  installer: ReleaseFile
  sums: ReleaseFile
  /** Files with a line in the checksum file. */
  archives: ReleaseFile[]
}

/** The files of the lab's release: installer of that tag, checksums, tarball and, where wanted, the images. */
export function release({ rke2 }: Lab): Release {
  const tag = encodeURIComponent(rke2.version)
  const base = `${(rke2.mirror ?? downloads).replace(/\/+$/, '')}/${tag}`
  const file = (name: string): ReleaseFile => ({ name, url: `${base}/${name}` })
  return {
    installer: rke2.mirror
      ? file('install.sh')
      : { name: 'install.sh', url: `${sources}/${tag}/install.sh` },
    sums: file(`sha256sum-${arch}.txt`),
    archives: [
      file(`rke2.linux-${arch}.tar.gz`),
      ...(rke2.images ? imageArchives(rke2.cni).map(file) : []),
    ],
  }
}

// The main archive holds the core and canal; other CNIs have one of their own beside the core's
// (docs.rke2.io/install/airgap). install.sh places them only beside a main archive, so canal's is always there.
function imageArchives(cni: string): string[] {
  const archive = (part: string) => `rke2-images${part}.linux-${arch}.tar.zst`
  return cni === 'canal' || cni === 'none' ? [archive('')] : [archive(''), archive(`-${cni}`)]
}

/** The version in what `rke2 --version` prints; undefined when it is none. */
export function parseVersion(output: string): string | undefined {
  return /^rke2 version (v\S+)/m.exec(output)?.[1]
}
