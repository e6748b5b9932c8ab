// PURE. What a power cut leaves on a node, as its files show it, and the archives of images that were brought along.

const data = '/var/lib/rancher/rke2'
export const imagesFolder = `${data}/agent/images`
/** While this file exists, RKE2 remembers in it which archives it has imported (k3s, pkg/agent/containerd/watcher.go). */
export const importMemory = `${imagesFolder}/.cache.json`

// A fresh database of etcd has 20 kB (recorded), one that Kubernetes has written into more than 1 MB.
const emptyDatabase = 64 * 1024

/** Folders of keys and certificates that RKE2 makes again when they are gone, on any node and on a server. */
export const keyFolders = {
  agent: [`${data}/agent`, '/etc/rancher/node'],
  server: ['tls', 'tls/etcd', 'cred'].map((name) => `${data}/server/${name}`),
}
const allKeys = [...keyFolders.agent, ...keyFolders.server].join(' ')

/** Run as root on the node; prints each part below a line with its name. An empty program is a file that a power cut
 *  emptied after its image was unpacked. */
export const remainsScript = `
echo "== archives"; ls ${imagesFolder} 2>/dev/null | grep '\\.tar'
echo "== unborn"; size=$(stat -c %s ${data}/server/db/etcd/member/snap/db 2>/dev/null)
test "\${size:-0}" -gt 0 && test "$size" -le ${emptyDatabase} && ! ls ${data}/server/db/snapshots/* >/dev/null 2>&1 && echo yes
echo "== empty"; find ${allKeys} -maxdepth 1 -type f '(' -name '*.key' -o -name '*.crt' -o -name '*.kubeconfig' -o -name password ')' -size 0 2>/dev/null
cd ${data}/agent/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots 2>/dev/null &&
  find */fs */fs/bin */fs/sbin */fs/usr/bin */fs/usr/sbin */fs/usr/local/bin -maxdepth 1 -type f -perm -100 ! -name '.*' -size 0 2>/dev/null
`

export interface Remains {
  /** The archives of images in the node's folder for them. */
  archives: string[]
  /** A server whose etcd holds nothing of Kubernetes, and that has no snapshots: it was never Ready. */
  unborn: boolean
  /** Empty files among its keys, and empty programs in unpacked images. */
  empty: string[]
}

/** Parses the parts that `remainsScript` printed. */
export function parseRemains(found: Map<string, string>): Remains {
  const linesOf = (name: string) => (found.get(name) ?? '').split('\n').filter(Boolean)
  return {
    archives: linesOf('archives'),
    unborn: linesOf('unborn').includes('yes'),
    empty: linesOf('empty'),
  }
}
