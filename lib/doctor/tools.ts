// PURE. The programs that the scripts need on this host: Node, npm, host tools, a libvirt that answers.
import { signers } from '../download/checksums.ts'
import type { Lab } from '../lab/lab.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import { script } from '../text/errors.ts'
import { type AllFacts, type Facts } from './facts.ts'
import { failure, ok, type Finding } from '../text/findings.ts'

/** The version of Node; that of npm is only shown. */
export function checkNode({ node, here }: AllFacts): Finding[] {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const found = `Node ${node}, npm ${here('npm')}`
  if (major > 20 || (major === 20 && minor >= 19)) return [ok('Node', found)]
  const advice = '# Debian 13 has it (nodejs, npm); elsewhere: https://nodejs.org/en/download'
  return [failure('Node', `${found}; 20.19 or newer is needed`, advice)]
}

const tools = ['virsh', 'ssh', 'ssh-keygen', 'curl', 'flock', 'sha256sum', 'genisoimage']
export const isoTools = ['genisoimage', 'mkisofs', 'xorriso']

/** Every host tool that the phases call, or that a libvirt on this host calls for them. */
export const neededTools = (lab: Lab): string[] => [
  ...tools,
  ...(isSigned(lab) ? ['gpgv'] : []),
  ...(libvirtHost(lab.libvirt).isHere ? ['qemu-img', ...(lab.network.nat ? ['dnsmasq'] : [])] : []),
]

/** The tools that are there. */
export function checkTools({ lab, here }: Facts): Finding[] {
  const has = (tool: string) => new RegExp(`(^|/)${tool}$`, 'm').test(here('tools'))
  const isMissing = (tool: string) => !(tool === 'genisoimage' ? isoTools : [tool]).some(has)
  const missing = neededTools(lab).filter(isMissing)
  if (missing.length === 0) return [ok('host tools', 'all installed')]
  return [failure('host tools', `missing: ${missing.join(', ')}`, script('doctor', '--fix'))]
}

function isSigned({ image: { url, sha256 } }: Lab): boolean {
  const host = url && !sha256 ? new URL(url).hostname : undefined
  return signers.some((signer) => signer.host === host)
}

/** Whether libvirt answers this user. */
export const checkLibvirt = ({ lab, trouble }: AllFacts): Finding[] => [
  trouble
    ? failure('libvirt', trouble.message, ...trouble.hint)
    : ok('libvirt', `${lab.libvirt} answers`),
]
