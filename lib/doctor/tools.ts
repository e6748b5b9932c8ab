// EDGE. Node, npm and the host tools.
import { ok, failure, type Finding } from './findings.ts'
import { signers } from '../download/checksums.ts'
import type { Lab } from '../lab/lab.ts'
import { query } from '../shell/shell.ts'
import { toolFindings, tools } from './tool-findings.ts'

/** Node and npm. */
export async function checkNode(): Promise<Finding[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const { stdout } = await query`npm --version`
  const found = `Node ${process.versions.node}, npm ${stdout.trim() || 'not found'}`
  return major > 20 || (major === 20 && minor >= 19)
    ? [ok('Node', found)]
    : [
        failure(
          'Node',
          `${found}; 20.19 or newer is needed`,
          '# Debian 13 has it (nodejs, npm); elsewhere: https://nodejs.org/en/download',
        ),
      ]
}

/** Every host tool that the phases call. */
export async function checkTools(lab: Lab): Promise<Finding[]> {
  const names = [...tools.map(([tool]) => tool), 'mkisofs', 'xorriso', 'gpgv']
  const { stdout } = await query`command -v ${names} || true`
  const host = lab.image.url && !lab.image.sha256 ? new URL(lab.image.url).hostname : undefined
  return toolFindings(
    stdout.split('\n'),
    signers.some((signer) => signer.host === host),
  )
}
