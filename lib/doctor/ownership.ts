// PURE. Names that the lab wants, but somebody else has.
import { failure, ok, type Finding } from '../text/findings.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import type { Facts } from './checks.ts'
import { quote } from '../text/quote.ts'

/** Whether this lab made a domain for the node. */
export const isMade = (host: Host, lab: Lab, node: Node) =>
  host.domains.some(({ name, owner }) => name === node.name && owner?.lab === lab.name)

/** Names, pool, network and MACs that somebody else has. */
export const checkOwnership = ({ lab, nodes, host }: Facts): Finding[] =>
  host ? [...ownershipFindings(lab, nodes, host), ...macFindings(lab, nodes, host)] : []

/** Domains of this lab's names that somebody else made, and a pool or network of that kind. */
export function ownershipFindings(lab: Lab, nodes: Node[], host: Host): Finding[] {
  const foreign = nodes.flatMap((node) =>
    host.domains.filter(({ name, owner }) => name === node.name && owner?.lab !== lab.name),
  )
  const poolIsOurs =
    !host.pool || (host.pool.uuid === lab.pool.uuid && host.pool.path === lab.pool.path)
  const networkIsOurs = !host.network || host.network.uuid === lab.networkUuid
  const findings = [
    ...foreign.map(({ name, owner }) =>
      failure(
        'names',
        `${name}: a domain of that name exists already and belongs to ${owner ? `lab ${owner.lab}` : 'something else'}`,
        `# it is left alone; rename the node in the lab file, or look: virsh -c ${quote(lab.libvirt)} dominfo ${name}`,
      ),
    ),
    ...(poolIsOurs
      ? []
      : [
          failure(
            'names',
            `a storage pool ${lab.pool.name} exists that these scripts did not make`,
            `# it is left alone; see whose it is: virsh -c ${quote(lab.libvirt)} pool-dumpxml ${lab.pool.name}`,
          ),
        ]),
    ...(networkIsOurs
      ? []
      : [
          failure(
            'names',
            `a libvirt network ${lab.network.nat} exists that this lab did not make`,
            '# give network.nat another name in the lab file',
          ),
        ]),
  ]
  return findings.length > 0 ? findings : [ok('names', 'free, or made by this lab')]
}

/** Which MACs of this lab's nodes a foreign domain has; libvirt itself would not object. */
export function macFindings(lab: Lab, nodes: Node[], host: Host): Finding[] {
  return nodes.flatMap((node) =>
    host.domains
      .filter(({ name, macs }) => name !== node.name && macs.includes(node.mac))
      .map(({ name }) =>
        failure(
          'names',
          `${node.name}: its MAC ${node.mac} is also that of ${name}`,
          `# rename the node in the lab file, or give the other another MAC: virsh -c ${quote(lab.libvirt)} edit ${name}`,
        ),
      ),
  )
}
