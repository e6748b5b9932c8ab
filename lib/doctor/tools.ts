// PURE. The programs that the scripts call on this host, and files as they need them.
import { signerOf } from '../download/checksums.ts'
import { sshFiles } from '../guest/ssh-files.ts'
import type { Lab } from '../lab/lab.ts'
import { isHere } from '../libvirt/host-names.ts'
import { oldest } from '../libvirt/trouble.ts'
import { script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { lookedAt, type Facts } from './facts.ts'
import { failure, ok, type Finding } from '../text/findings.ts'

const tools = ['virsh', 'ssh', 'ssh-keygen', 'curl', 'flock', 'sha256sum', 'genisoimage']
export const isoTools = ['genisoimage', 'mkisofs', 'xorriso']

/** Every host tool that the phases call, or that a libvirt on this host calls for them. */
export const neededTools = (lab: Lab): string[] => [
  ...tools,
  ...(isSigned(lab) ? ['gpgv'] : []),
  ...(isHere(lab) ? ['qemu-img', ...(lab.network.nat ? ['dnsmasq'] : [])] : []),
]

/** The tools that are there, new enough, and keys that ssh will take. */
export const checkTools = (facts: Facts): Finding[] => [
  findTools(facts),
  ...checkVersion(facts, 'virsh'),
  ...checkKeyModes(facts),
]

function findTools({ lab, here }: Facts): Finding {
  const has = (tool: string) => new RegExp(`(^|/)${tool}$`, 'm').test(here('tools'))
  const isMissing = (tool: string) => !(tool === 'genisoimage' ? isoTools : [tool]).some(has)
  const missing = neededTools(lab).filter(isMissing)
  if (missing.length === 0) return ok('host tools', 'all installed')
  return failure('host tools', `missing: ${missing.join(', ')}`, script('doctor', '--fix'))
}

/** libvirt must be new enough: virsh on this host, and libvirt where the machines are. */
export function checkVersion({ here }: Facts, question: 'virsh' | 'libvirt'): Finding[] {
  const version = /\d+\.\d+(\.\d+)?/.exec(lookedAt(() => here(question)) ?? '')?.[0]
  if (version === undefined || !isOlder(version, oldest)) return []
  const where = question === 'virsh' ? 'virsh on this host' : 'libvirt'
  const advice = '# Debian 12, Ubuntu 22.04, Enterprise Linux 9 and newer have it'
  return [
    failure('libvirt version', `${where} is ${version}; ${oldest} or newer is needed`, advice),
  ]
}

function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) => text.split('.').map(Number))
  const [major = 0, minor = 0] = one ?? []
  const [least = 0, last = 0] = other ?? []
  return major < least || (major === least && minor < last)
}

/** ssh ignores a private key that others may read; in a Windows or shared folder every file is like that. */
export function checkKeyModes({ lab, here }: Facts): Finding[] {
  const [fresh = '', key = ''] = lookedAt(() => here('modes'))?.split('\n') ?? []
  const isOpen = (mode: string) => /[1-7]$|[1-7]\d$/.test(mode)
  if (isOpen(fresh))
    return [
      failure(
        'SSH key',
        `files made in this folder get the mode ${fresh}: ssh ignores a key that others may read`,
        '# move the project into a folder of Linux itself, such as ~/rke2-kvm-lab, not a share',
        '# in WSL: not below /mnt, or set metadata in the options of [automount] in /etc/wsl.conf',
      ),
    ]
  const file = sshFiles(lab).key
  if (!isOpen(key)) return []
  return [
    failure(
      'SSH key',
      `${file} has the mode ${key}: ssh ignores it`,
      commandText`chmod 600 ${file}`,
    ),
  ]
}

const isSigned = ({ image: { url, sha256 } }: Lab): boolean =>
  url !== undefined && sha256 === undefined && signerOf(url) !== undefined
