// PURE. How the hosts of a lab are called.
import { hostsOf } from '../lab/hosts.ts'
import type { Lab } from '../lab/lab.ts'
import { LabError } from '../text/errors.ts'
import { libvirtHost } from './trouble.ts'

const usedBy = (lab: Lab) => hostsOf(lab).filter(({ nodes }) => nodes.length > 0)

/** Whether machines of the lab are on this very host. */
export const isHere = (lab: Lab): boolean =>
  usedBy(lab).some(({ libvirt }) => libvirtHost(libvirt).isHere)

/** Whether all of them are. */
export const isAllHere = (lab: Lab): boolean =>
  usedBy(lab).every(({ libvirt }) => libvirtHost(libvirt).isHere)

/** Of hosts the one that is this very host, else the first. */
export const thisHost = (hosts: Lab[]): Lab | undefined =>
  hosts.find(({ libvirt }) => libvirtHost(libvirt).isHere) ?? hosts[0]

/** The name of a host in the lab file. */
export function hostName({ on, libvirt }: Lab): string {
  const { isHere, name } = libvirtHost(libvirt)
  return on || (isHere ? 'this host' : name)
}

/** A text about one of several hosts, with its name; about the only one as it is. */
export function onHost(lab: Lab, text: string): string {
  const name = hostName(lab)
  const isSaid = [`on ${name}: `, `${name}: `].some((start) => text.startsWith(start))
  return lab.on === undefined || isSaid ? text : `${name}: ${text}`
}

/** The same of an error. */
export function namedHost(lab: Lab, error: LabError): LabError {
  const { message, details, hint } = error
  const text = onHost(lab, message)
  return text === message ? error : new LabError(text, { details, hint, cause: error })
}
