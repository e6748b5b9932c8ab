// PURE. The programs that the scripts need on this host.
import { failure, ok, type Finding } from './findings.ts'

/** A host tool and the Debian/Ubuntu package that has it. */
export const tools: [tool: string, aptPackage: string][] = [
  ['virsh', 'libvirt-clients'],
  ['ssh', 'openssh-client'],
  ['ssh-keygen', 'openssh-client'],
  ['curl', 'curl'],
  ['flock', 'util-linux'],
  ['sha256sum', 'coreutils'],
  ['genisoimage', 'genisoimage'],
]

/** Judges the paths that `command -v` found. */
export function toolFindings(paths: string[], needsGpgv: boolean): Finding[] {
  const names = new Set(paths.map((path) => path.split('/').at(-1)))
  const iso = ['genisoimage', 'mkisofs', 'xorriso'].some((tool) => names.has(tool))
  const missing = [...tools, ...(needsGpgv ? [['gpgv', 'gpgv'] as const] : [])].filter(([tool]) =>
    tool === 'genisoimage' ? !iso : !names.has(tool),
  )
  if (missing.length === 0) return [ok('host tools', 'all there')]
  const packages = [...new Set(missing.map(([, name]) => name))]
  return [
    failure(
      'host tools',
      `missing: ${missing.map(([tool]) => tool).join(', ')}`,
      `sudo apt-get install --yes ${packages.join(' ')}`,
    ),
  ]
}
