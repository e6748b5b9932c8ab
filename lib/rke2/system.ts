// PURE. The system of a node, and the commands that are right for it.
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { line, script, type Hint } from '../text/errors.ts'
import { quote } from '../text/quote.ts'
import { tolerance } from './kube-nodes.ts'

/** Units that set the clock; each does so when it starts. */
export const timeServices = ['systemd-timesyncd', 'chrony', 'chronyd', 'ntpsec', 'ntpd']

export interface System {
  /** IDs of the distribution and of those that it is like. */
  ids: string[]
  /** The running kernel, as `uname -r` prints it. */
  kernel: string
  installer?: Installer
  /** Active units among those that matter. */
  units: string[]
}
export const installers = ['apt-get', 'dnf', 'zypper'] as const
type Installer = (typeof installers)[number]

// Names that differ from Debian's.
const packageNames: Partial<Record<Installer, Record<string, string>>> = {
  dnf: { iptables: 'iptables-nft' },
  zypper: { apparmor: 'apparmor-parser' },
}
const installWords: Record<Installer, string> = {
  'apt-get': 'apt-get install --yes',
  dnf: 'dnf install --assumeyes',
  zypper: 'zypper --non-interactive install',
}

/** The names of packages on this system, given those of Debian. */
export const packagesOn = ({ installer }: System, names: string[]): string[] =>
  names.map((name) => (installer && packageNames[installer]?.[name]) ?? name)

/** The command that installs packages, given by their names in Debian. */
export function installOn(node: Node, system: System, ...names: string[]): string {
  const packages = packagesOn(system, names).map(quote).join(' ')
  return system.installer
    ? typedOn(node, `sudo ${installWords[system.installer]} ${packages}`)
    : `# install on ${node.name}: ${packages}`
}

/** What is wrong with a clock that is ahead by `skew` seconds, less than 0 if it is behind. */
export const clockTrouble = (skew: number, of: string): string | undefined =>
  Math.abs(skew) > tolerance
    ? `its clock is ${Math.abs(Math.round(skew))} s ${skew < 0 ? 'behind' : 'ahead of'} that of ${of}`
    : undefined

/** The commands that set the clock: by a time service, which sets it when it starts, or to this host's time. */
export function setClock(node: Node, { units }: System): string[] {
  const service = timeServices.find((name) => units.includes(name))
  const asHere = typedOn(node, 'sudo date --utc --set @$(date +%s)')
  return service
    ? [
        typedOn(node, `sudo systemctl restart ${service}   # sets the clock; without internet:`),
        asHere,
      ]
    : [asHere]
}

/** The command that recreates the machine. */
export const recreated = ({ name }: Node): Hint =>
  line(script('destroy', name), ' && ', script('create', name), ' && ', script('eject', name))

export const hasCgroupV1 =
  'it uses cgroup v1; since Kubernetes 1.35 the kubelet refuses to start there'
export const newerImage =
  '# or use an image of a newer system (cgroup v2 is the default since Ubuntu 22.04, Debian 11, EL 9), then:'

/** The command that makes a node boot with cgroup v2. */
export function useCgroupV2(node: Node, { installer }: System): string {
  const v2 = 'systemd.unified_cgroup_hierarchy=1'
  const inGrub = `sudo sed -i "s/ *systemd.unified_cgroup_hierarchy=[a-z0-9]*//; s/^GRUB_CMDLINE_LINUX=.\\?/&${v2} /" /etc/default/grub`
  if (!installer) return `# on the kernel command line of ${node.name}: ${v2}`
  const change = {
    'apt-get': `${inGrub} && sudo update-grub`,
    dnf: `sudo grubby --update-kernel=ALL --args=${v2}`,
    zypper: `${inGrub} && sudo grub2-mkconfig -o /boot/grub2/grub.cfg`,
  }[installer]
  return typedOn(node, quote(`${change} && sudo systemctl reboot`))
}

/** The command that gives a node its own machine-id. */
export const renewMachineId = (node: Node) =>
  typedOn(
    node,
    quote(
      'sudo rm -f /etc/machine-id /var/lib/dbus/machine-id && sudo systemd-machine-id-setup && sudo systemctl reboot',
    ),
  )

/** The commands after which a node's kernel has all modules of its distribution. */
export function addModules(node: Node, system: System & { isReplaced: boolean }): string[] {
  const { ids, installer, kernel, isReplaced } = system
  if (isReplaced)
    return [typedOn(node, 'sudo systemctl reboot   # an upgrade has replaced the running kernel')]
  const reboot = typedOn(node, 'sudo systemctl reboot')
  if (!installer) return [`# install on ${node.name}: a kernel with these modules`, reboot]
  if (installer === 'dnf')
    return [
      installOn(node, system, `kernel-modules-extra-${kernel}`),
      '# if that version is gone, the newest with its kernel:',
      installOn(node, system, 'kernel', 'kernel-modules-extra'),
      reboot,
    ]
  if (installer === 'apt-get' && ids.includes('ubuntu'))
    return [installOn(node, system, `linux-modules-extra-${kernel}`)]
  const whole = installer === 'apt-get' ? 'linux-image-amd64' : 'kernel-default'
  return [installOn(node, system, whole), reboot]
}
