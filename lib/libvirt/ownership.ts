// PURE. Whose the things on a host are: the lab's own are found, those of somebody else with their names are errors.
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from './observe.ts'
import type { Domain, Volume } from './host.ts'
import { quote } from '../text/quote.ts'

/** The node's domain when this lab made it; a foreign one of that name is an error. */
export function ownDomain(host: Host, lab: Lab, node: Node): Domain | undefined {
  const domain = host.domains.find(({ name }) => name === node.name)
  if (!domain || domain.owner?.lab === lab.name) return domain
  const whose = domain.owner ? `lab ${domain.owner.lab}` : 'something else'
  throw new LabError(`${node.name}: a domain of that name exists already and belongs to ${whose}`, {
    details: ['it is left alone'],
    hint: [
      `rename the node in the lab file`,
      `# or look at it: virsh -c ${quote(lab.libvirt)} dominfo ${node.name}`,
    ],
  })
}

export const findVolume = (host: Host, name: string): Volume | undefined =>
  host.volumes.find((volume) => volume.name === name)

/** The pool, when it exists, must be the one that the scripts make. */
export function checkPool(host: Host, lab: Lab): void {
  if (!host.pool || (host.pool.uuid === lab.pool.uuid && host.pool.path === lab.pool.path)) return
  throw new LabError(
    `a storage pool called ${lab.pool.name} exists that these scripts did not make`,
    {
      details: [`its directory is ${host.pool.path}; it is left alone`],
      hint: `virsh -c ${quote(lab.libvirt)} pool-dumpxml ${lab.pool.name}`,
    },
  )
}

/** The NAT network, when it exists, must be this lab's. */
export function checkNetwork(host: Host, lab: Lab): void {
  if (!host.network || host.network.uuid === lab.networkUuid) return
  throw new LabError(
    `a libvirt network called ${lab.network.nat} exists that this lab did not make`,
    {
      details: ['it is left alone'],
      hint: 'give network.nat another name in the lab file',
    },
  )
}

/** A disk or seed volume that a domain of somebody else uses must not be touched. */
export function foreignUser(host: Host, lab: Lab, path: string): Domain | undefined {
  return host.domains.find(({ owner, files }) => owner?.lab !== lab.name && files.includes(path))
}
