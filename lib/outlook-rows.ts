// PURE. The one screen that says what `npm start` is going to do: rows of a word and a sentence.
import { packagesFor, type Setup } from './doctor/setup.ts'
import type { Lab, Node } from './lab/lab.ts'
import { formatSize } from './text/size.ts'

/** What is to be fetched; without bytes where the server does not say. */
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
      `about ${minutes(outlook)} minutes${outlook.isEmulated ? ': without KVM the processor is emulated' : ''}`,
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

function machines({ fresh, setup, diskFree }: Outlook): string {
  const memory = fresh.map((node) => `${node.name} ${formatSize(node.memory)}`).join(', ')
  const sizes = fresh.flatMap(({ disk, disks }) => [disk, ...disks.map(({ size }) => size)])
  const disk = formatSize(sizes.reduce((sum, size) => sum + size, 0))
  const free = diskFree === undefined ? '' : ` of ${formatSize(diskFree)} free`
  return `${memory} of ${formatSize(setup.memory)} memory; disks grow up to ${disk}${free}`
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
