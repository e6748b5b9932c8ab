// PURE. What is read of a node before RKE2 is installed: a script for sh, and its output as values.
import { installers, timeServices, type System } from './system.ts'

/** Kernel modules that containerd, kube-proxy and the network plugins load. RHEL 10 and its like have most of them in a
 *  separate package (docs.rke2.io/install/requirements, rancher/rke2#8498). */
export const modules =
  'overlay br_netfilter vxlan nft_compat xt_comment xt_addrtype xt_MASQUERADE ip_set'.split(' ')
/** Those of them that no cluster works without. */
export const vitalModules = modules.slice(0, 4)

/** For sh: finds the programs that are not in every login's PATH. */
export const withPrograms = 'PATH=$PATH:/usr/sbin:/sbin'

/** In /proc/mounts. RKE2's installer then uses /opt/rke2, as it does where it cannot write to /usr/local. */
export const separate = ' /usr/local '

const units = ['NetworkManager', 'firewalld', ...timeServices]

/** Part of what is asked of a node; prints no secret. */
export const factsScript = `${withPrograms}
part machine-id; cat /etc/machine-id; echo
part system; grep -E '^ID(_LIKE)?=' /etc/os-release; uname -r
part installers; for name in apt-get dnf zypper; do command -v "$name"; done
part units; for name in ${units.join(' ')}; do echo "$name $(systemctl is-active "$name")"; done
part cgroup; stat -f -c %T /sys/fs/cgroup
part modules; if ! command -v modprobe >/dev/null; then echo unknown; else for module in ${modules.join(' ')}; do modprobe -n -q "$module" || test -e "/sys/module/$module" || echo "$module"; done; fi
part kernel; test -d "/lib/modules/$(uname -r)" || echo replaced
part gaps; command -v iptables >/dev/null || echo iptables
test "$(cat /sys/module/apparmor/parameters/enabled)" != Y || command -v apparmor_parser >/dev/null || echo apparmor
part prefix; if grep -qs '${separate}' /proc/mounts; then echo 'is a separate file system'; elif ! test -w /usr/local; then echo 'cannot be written'; fi
part selinux; test "$(cat /sys/fs/selinux/enforce)" != 1 || rpm -q rke2-selinux >/dev/null || echo lacking
part mounted; cut -d ' ' -f 2 /proc/mounts
part memory; grep MemTotal: /proc/meminfo
part free; df --output=avail --block-size=1 /var/lib | tail -n 1
part canal; grep -ls 'interface-name:cali' /etc/NetworkManager/conf.d/*`

export interface NodeFacts extends System {
  /** Seconds that it is ahead of this host's; 0 if unknown. */
  skew: number
  machineId: string
  /** The type of its file system: cgroup2fs, or tmpfs for version 1. */
  cgroup: string
  /** Modules that its kernel lacks; undefined if it has no modprobe to ask. */
  lacking: string[] | undefined
  /** The running kernel's modules were removed, by an upgrade. */
  isReplaced: boolean
  /** Packages that RKE2 needs and the node lacks, by their names in Debian. */
  gaps: string[]
  /** Why RKE2 cannot be installed in /usr/local; empty if it can. */
  prefix: string
  /** SELinux enforces, without RKE2's policy. */
  lacksPolicy: boolean
  /** Bytes; 0 if unknown. */
  memory: number
  /** Folders that something is mounted on; none if unknown. */
  mounted: string[]
  /** Free bytes under /var/lib; 0 if unknown. */
  free: number
  /** NetworkManager leaves the interfaces of the network plugin alone. */
  hasCanalRule: boolean
}

/** Parses the parts that `factsScript` printed. What could not be read is unknown: no reason to refuse a node. */
export function parseFacts(found: Map<string, string>): NodeFacts {
  const text = (name: string) => (found.get(name) ?? '').trim()
  const lines = (name: string) => text(name).split('\n').filter(Boolean)
  const system = lines('system')
  const programs = lines('installers').map((path) => path.replace(/.*\//, ''))
  const installer = installers.find((name) => programs.includes(name))
  return {
    ids: system.flatMap((line) => /^ID(?:_LIKE)?=["']?([^"']*)/.exec(line)?.[1]?.split(' ') ?? []),
    kernel: system.find((line) => !line.startsWith('ID')) ?? '',
    ...(installer ? { installer } : {}),
    units: lines('units').flatMap((line) => /^(\S+) active$/.exec(line)?.[1] ?? []),
    skew: 0,
    machineId: text('machine-id'),
    cgroup: text('cgroup'),
    lacking: text('modules') === 'unknown' ? undefined : lines('modules'),
    isReplaced: text('kernel') === 'replaced',
    gaps: lines('gaps'),
    prefix: text('prefix'),
    lacksPolicy: text('selinux') === 'lacking',
    memory: Number(/(\d+) kB/.exec(text('memory'))?.[1] ?? 0) * 1024,
    mounted: lines('mounted'),
    free: Number(text('free')),
    hasCanalRule: text('canal') !== '',
  }
}
