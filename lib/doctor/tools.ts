// PURE. The programs that the scripts need on this host: Node, npm, host tools, a libvirt that answers.
import { signers } from '../download/checksums.ts'
import type { Lab } from '../lab/lab.ts'
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

/** Each host tool with its Debian/Ubuntu package. */
export const tools: [tool: string, aptPackage: string][] = [
  ['virsh', 'libvirt-clients'],
  ['ssh', 'openssh-client'],
  ['ssh-keygen', 'openssh-client'],
  ['curl', 'curl'],
  ['flock', 'util-linux'],
  ['sha256sum', 'coreutils'],
  ['genisoimage', 'genisoimage'],
]
export const isoTools = ['genisoimage', 'mkisofs', 'xorriso']

/** Every host tool that the phases call. */
export function checkTools({ lab, here }: Facts): Finding[] {
  const paths = here('tools').split('\n')
  const names = new Set(paths.map((path) => path.split('/').at(-1)))
  const iso = isoTools.some((tool) => names.has(tool))
  const wanted = [...tools, ...(isSigned(lab) ? [['gpgv', 'gpgv'] as const] : [])]
  const missing = wanted.filter(([tool]) => (tool === 'genisoimage' ? !iso : !names.has(tool)))
  if (missing.length === 0) return [ok('host tools', 'all installed')]
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
  const found = `missing: ${missing.map(([tool]) => tool).join(', ')}`
  return [failure('host tools', found, `sudo apt-get install --yes ${packages}`)]
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
