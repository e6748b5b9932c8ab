// PURE. Which package of which distribution has a program, and how it is installed. Debian 12 and 13: tried
// (npm run test:fresh); the others: from the package lists of the distributions, 2026-11, untried.

/** A kind of package manager, with the commands that refresh its lists and install without questions. */
export interface Packager {
  refresh?: string
  install: string
  packages: Record<string, string>
}

const apt: Packager = {
  refresh: 'apt-get update',
  install:
    'DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends',
  packages: {
    virsh: 'libvirt-clients',
    libvirtd: 'libvirt-daemon-system libvirt-daemon-driver-qemu',
    'qemu-system-x86_64': 'qemu-system-x86',
    'qemu-img': 'qemu-utils',
    dnsmasq: 'dnsmasq-base',
    ssh: 'openssh-client',
    'ssh-keygen': 'openssh-client',
    curl: 'curl ca-certificates',
    flock: 'util-linux',
    sha256sum: 'coreutils',
    genisoimage: 'genisoimage',
    gpgv: 'gpgv',
    ip: 'iproute2',
  },
}

const rpm = {
  virsh: 'libvirt-client',
  'qemu-img': 'qemu-img',
  ssh: 'openssh-clients',
  'ssh-keygen': 'openssh-clients',
  curl: 'curl',
  flock: 'util-linux',
  sha256sum: 'coreutils',
  genisoimage: 'xorriso',
}

const dnf: Packager = {
  refresh: 'dnf -y makecache',
  install: 'dnf -y install',
  packages: {
    ...rpm,
    libvirtd: 'libvirt',
    'qemu-system-x86_64': 'qemu-kvm',
    dnsmasq: 'libvirt-daemon-config-network',
    gpgv: 'gnupg2',
    ip: 'iproute',
  },
}

const zypper: Packager = {
  refresh: 'zypper --non-interactive refresh',
  install: 'zypper --non-interactive install',
  packages: {
    ...rpm,
    libvirtd: 'libvirt-daemon-qemu polkit',
    'qemu-system-x86_64': 'qemu-x86',
    dnsmasq: 'libvirt-daemon-config-network',
    gpgv: 'gpg2',
    ip: 'iproute2',
  },
}

const pacman: Packager = {
  install: 'pacman -Syu --noconfirm --needed', // lists alone (-Sy) would make a partial upgrade
  packages: {
    virsh: 'libvirt',
    libvirtd: 'libvirt',
    'qemu-system-x86_64': 'qemu-base',
    'qemu-img': 'qemu-img',
    dnsmasq: 'dnsmasq',
    ssh: 'openssh',
    'ssh-keygen': 'openssh',
    curl: 'curl',
    flock: 'util-linux',
    sha256sum: 'coreutils',
    genisoimage: 'libisoburn',
    gpgv: 'gnupg',
    ip: 'iproute2',
  },
}

const packagers: Record<string, Packager> = {
  debian: apt,
  ubuntu: apt,
  fedora: { ...dnf, packages: { ...dnf.packages, gpgv: 'gnupg2-verify' } },
  rhel: dnf,
  suse: zypper,
  opensuse: zypper,
  arch: pacman,
}

/** The package manager of a host, by its /etc/os-release; undefined where it is not known. */
export function packagerOf(osRelease: string): Packager | undefined {
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)`, 'm').exec(osRelease)?.[1] ?? ''
  const names = [value('ID'), ...value('ID_LIKE').split(' ')]
  return names.map((name) => packagers[name]).find((packager) => packager !== undefined)
}

/** The packages of programs, each once. */
export const packagesOf = ({ packages }: Packager, programs: string[]): string[] => [
  ...new Set(programs.flatMap((program) => (packages[program] ?? program).split(' '))),
]
