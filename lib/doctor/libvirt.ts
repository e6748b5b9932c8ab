// EDGE. libvirt itself, and where it is.
import { LabError } from '../text/errors.ts'
import { failure, ok, type Finding } from './findings.ts'
import type { Lab } from '../lab/lab.ts'
import { observe, type Host } from '../libvirt/observe.ts'

/** True when libvirt runs on this host, so that its devices and interfaces can be looked at. */
export const isLocal = (uri: string) => /^[a-z0-9]+(\+unix)?:\/\/\//.test(uri)

/** libvirt, reachable and permitted. */
export async function checkLibvirt(lab: Lab): Promise<{ host?: Host; finding: Finding }> {
  try {
    const host = await observe(lab)
    return { host, finding: ok('libvirt', `${lab.libvirt} answers`) }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { finding: failure('libvirt', error.message, ...error.hint) }
  }
}
