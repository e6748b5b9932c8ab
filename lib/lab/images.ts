// PURE. Cloud images by name. Addresses, checksums and needs as of 2026-10, from the publishers' pages and lima's templates.

export interface NamedImage {
  url: string
  /** What machines made from it need beyond the lab's own cloud-config. */
  config?: { packages?: string[]; write_files?: object[]; power_state?: object }
  /** The level of x86-64 that its programs are built for, when old processors lack it. */
  processor?: 'x86-64-v3'
}

const ubuntu = (release: string, version: string): NamedImage => ({
  url: `https://cloud-images.ubuntu.com/releases/${release}/release/ubuntu-${version}-server-cloudimg-amd64.img`,
})
const debian = (release: string, version: number): NamedImage => ({
  url: `https://cloud.debian.org/images/cloud/${release}/latest/debian-${version}-genericcloud-amd64.qcow2`,
})

// NetworkManager must leave the cluster's interfaces alone (docs.rke2.io, known issues).
const cniInterfaces =
  'flannel* cali* tunl* vxlan.calico vxlan-v6.calico wireguard.cali wg-v6.cali'.split(' ')
const unmanaged = cniInterfaces.map((name) => `interface-name:${name}`).join(';')

export const networkRule = {
  path: '/etc/NetworkManager/conf.d/rke2-canal.conf',
  content: `[keyfile]\nunmanaged-devices=${unmanaged}\n`,
}

/** The kernel's modules for networks lie in a package apart, which may bring a newer kernel: that one needs a reboot. */
const enterprise10 = (url: string): NamedImage => ({
  url,
  processor: 'x86-64-v3',
  config: {
    packages: ['kernel-modules-extra', 'iptables-nft'],
    write_files: [networkRule],
    power_state: { mode: 'reboot', condition: '! modprobe --dry-run br_netfilter' },
  },
})

export const images = {
  'ubuntu-24.04': ubuntu('noble', '24.04'),
  'ubuntu-26.04': ubuntu('resolute', '26.04'),
  'debian-13': debian('trixie', 13),
  'debian-12': debian('bookworm', 12),
  'rocky-10': enterprise10(
    'https://dl.rockylinux.org/pub/rocky/10/images/x86_64/Rocky-10-GenericCloud-Base.latest.x86_64.qcow2',
  ),
  'almalinux-10': enterprise10(
    'https://repo.almalinux.org/almalinux/10/cloud/x86_64/images/AlmaLinux-10-GenericCloud-latest.x86_64.qcow2',
  ),
} satisfies Record<string, NamedImage>

export type ImageName = keyof typeof images
export const imageNames = Object.keys(images) as [ImageName, ...ImageName[]]

/** The image of that name. */
export const namedImage = (name: ImageName): NamedImage => images[name]
