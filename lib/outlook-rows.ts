// PURE. The one screen that says what `npm start` is going to do, rows of a word and a sentence; or why it cannot.
import { packagesFor, type Setup } from './doctor/setup.ts'
import type { Lab, Node } from './lab/lab.ts'
import { isAllHere } from './libvirt/host-names.ts'
import type { Finding } from './text/findings.ts'
import { counted, formatSize } from './text/size.ts'

/** What must be fetched; without bytes where the server does not say. */
export interface Download {
  what: string
  bytes: number | undefined
}

export interface Outlook {
  lab: Lab
  setup: Setup
  /** Bytes of the packages to install, where that is known. */
  packageBytes: number | undefined
  /** Commands that set up this host. */
  fixes: string[]
  /** Why the lab has a NAT network although its file had a bridge. */
  insteadOfBridge: string | undefined
  downloads: Download[]
  cache: string
  /** The machines that will be made. */
  fresh: Node[]
  /** Bytes that are free where the disks will be. */
  diskFree: number | undefined
  /** QEMU has to emulate the processor. */
  isEmulated: boolean
}

/** Whether there is anything to ask about. */
export const isIdle = ({ fixes, downloads, fresh }: Outlook): boolean =>
  fixes.length === 0 && downloads.length === 0 && fresh.length === 0

/** The rows, without those that there is nothing to say about. */
export function outlookRows(outlook: Outlook): [string, string][] {
  const { lab, fresh } = outlook
  const rows: [string, string][] = [
    ['install', installs(outlook)],
    ['join', joins(outlook)],
    ...otherFixes(outlook).map((fix): [string, string] => ['run', fix]),
    ['network', network(outlook)],
    ['download', downloads(outlook)],
    ['machines', fresh.length === 0 ? `all ${lab.nodes.length} exist` : machines(outlook)],
    [
      'time',
      `about ${counted(minutes(outlook), 'minute')}${outlook.isEmulated ? ': without KVM the processor is emulated' : ''}`,
    ],
  ]
  return rows.filter(([, text]) => text !== '')
}

function installs({ setup, packageBytes }: Outlook): string {
  const packages = packagesFor(setup).join(' ')
  if (packages === '') return ''
  const size = packageBytes === undefined ? '' : `, ${formatSize(packageBytes)}`
  return `${packages} (${setup.isRoot ? 'as root' : 'asks for sudo'}${size})`
}

const joins = ({ fixes, setup }: Outlook) =>
  fixes.some((fix) => fix.includes('usermod'))
    ? `${setup.user} joins the group libvirt (in effect at once)`
    : ''

/** The commands that neither `install` nor `join` stands for. */
const otherFixes = ({ fixes, setup }: Outlook): string[] => {
  const { refresh, install = '\n' } = setup.packager ?? {}
  return fixes.filter(
    (fix) =>
      !fix.includes('usermod') && !fix.includes(install) && !(refresh && fix.endsWith(refresh)),
  )
}

function network({ lab, insteadOfBridge }: Outlook): string {
  const { bridge, nat, cidr } = lab.network
  if (nat === undefined) return `bridge ${bridge}, ${cidr}`
  const why = insteadOfBridge ? `: ${insteadOfBridge} (docs/network.md: a bridge, and back)` : ''
  return `NAT network ${nat}, ${cidr}${why}`
}

function downloads({ downloads, cache }: Outlook): string {
  if (downloads.length === 0) return ''
  const texts = downloads.map(({ what, bytes }) => (bytes ? `${what} ${formatSize(bytes)}` : what))
  return `${texts.join(', ')} to ${cache}`
}

function machines({ lab, fresh, setup, diskFree }: Outlook): string {
  const each = fresh.map((node) => `${node.name} ${formatSize(node.memory)}`).join(', ')
  const whole = isAllHere(lab) ? ` of ${formatSize(setup.memory)}` : ''
  const sizes = fresh.flatMap(({ disk, disks }) => [disk, ...disks.map(({ size }) => size)])
  const disk = formatSize(sizes.reduce((sum, size) => sum + size, 0))
  const free = diskFree === undefined ? '' : ` of ${formatSize(diskFree)} free`
  return `${each}${whole} memory; disks grow up to ${disk}${free}`
}

// Ten megabytes a second for what is fetched; then what boots (cloud-init) and installs, with KVM and emulated.
const rate = 10e6
function minutes({ downloads, packageBytes = 0, fresh, setup, isEmulated, lab }: Outlook): number {
  const bytes = downloads.reduce((sum, { bytes = 0 }) => sum + bytes, packageBytes)
  const packages = packagesFor(setup).length > 0 ? 60 : 0
  const boot = fresh.length === 0 ? 0 : isEmulated ? 60 * lab.nodes.length : 60
  const cluster = isEmulated ? 600 * lab.nodes.length : 240
  return Math.max(1, Math.round((bytes / rate + packages + boot + cluster) / 60))
}

/** Why the lab cannot run here, one sentence; undefined where it can, or on another host. */
export function obstacleTo({
  lab,
  setup,
  findings,
  isEmulated,
  isOnline,
  isCi,
}: Pick<Outlook, 'lab' | 'setup' | 'isEmulated'> & {
  findings: Finding[]
  isOnline: boolean
  isCi: boolean
}): string | undefined {
  if (!isAllHere(lab)) return undefined
  const isOff = findings.some(({ check, level }) => check === 'libvirt' && level === 'failure')
  if (isOff && !setup.hasSystemd)
    return `${withoutSystemd(setup)}, so libvirt's daemons cannot be started here`
  if (isEmulated && !isOnline) return 'this host has neither KVM nor the internet'
  if (isEmulated && isCi) return 'this is a CI machine without KVM'
  return undefined
}

function withoutSystemd({ container }: Setup): string {
  if (container === 'wsl')
    return 'WSL runs without systemd here (write systemd=true below [boot] in /etc/wsl.conf; then, in Windows: wsl --shutdown)'
  return container ? `this is a container (${container})` : 'this host has no systemd'
}
