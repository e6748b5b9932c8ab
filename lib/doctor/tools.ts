// PURE. The programs that the scripts call on this host.
import { signers } from '../download/checksums.ts'
import type { Lab } from '../lab/lab.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import { script } from '../text/errors.ts'
import { failure, ok, type Finding } from '../text/findings.ts'
import type { Facts } from './facts.ts'

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
