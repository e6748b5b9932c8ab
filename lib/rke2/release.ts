// PURE. The files of an RKE2 release: their names and addresses.
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
  /** The files that the checksum file lists. */
  archives: ReleaseFile[]
}

/** The files of the lab's release: the installer of that tag, checksums, tarball and, with rke2.images, the images. `ingress`:
 *  the cluster's ingress controllers; none: what RKE2 gives a new cluster. */
export function release({ rke2 }: Lab, ingress: string[] = []): Release {
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
      ...(rke2.images ? imageArchives(rke2, ingress).map(file) : []),
    ],
  }
}

// The main archive has the core, canal, and the ingress controller of new clusters: traefik from v1.36 on. Everything else
// has its own archive, which install.sh uses only together with the main one (rancher/rke2: scripts/build-images).
function imageArchives({ cni, version }: Lab['rke2'], ingress: string[]): string[] {
  const minor = Number(/^v1\.(\d+)/.exec(version)?.[1])
  const inMain = ['canal', 'none', minor < 36 ? 'ingress-nginx' : 'traefik']
  const parts = [cni, ingress].flat().filter((name) => !inMain.includes(name))
  return ['', ...parts.map((name) => `-${name}`)].map(imageArchive)
}

export const imageArchive = (part: string) => `rke2-images${part}.linux-${arch}.tar.zst`

// From RKE2's scripts/build-images. Which ingress controller is in the main archive depends on the version; one that is
// missing there has its own archive.
const ownArchives: [image: RegExp, part: string][] = [
  [/nginx-ingress-controller|kube-webhook-certgen/, '-ingress-nginx'],
  [/traefik/, '-traefik'],
  [/mirrored-calico-/, '-calico'],
  [/cilium/, '-cilium'],
  [/multus|whereabouts/, '-multus'],
]

/** The part of the archive's name that should contain an image of RKE2. */
export const archiveOf = (image: string): string =>
  ownArchives.find(([name]) => name.test(image))?.[1] ?? ''

/** The version in the output of `rke2 --version`; undefined if there is none. */
export function parseVersion(output: string): string | undefined {
  return /^rke2 version (v\S+)/m.exec(output)?.[1]
}
