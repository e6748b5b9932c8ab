// PURE. Names and MACs of the lab that someone else uses.
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import {
  foreignDomain,
  networkTrouble,
  pair,
  poolTrouble,
  whoseDomain,
} from '../libvirt/ownership.ts'
import { quote } from '../text/quote.ts'
import { type Facts } from './facts.ts'
import { failure, fromError, ok, type Finding } from '../text/findings.ts'

/** Whether this lab made a domain for the node. */
export const isMade = (host: Host, lab: Lab, node: Node) =>
  host.domains.some((domain) => domain.name === node.name && whoseDomain(lab, domain) === 'ours')

/** Names, pool, network and MACs that someone else uses. */
export function checkOwnership({ lab, nodes, host }: Facts): Finding[] {
  if (!host) return []
  const domains = pair(lab, host, nodes).flatMap(({ foreign }) => foreign ?? [])
  const troubles = [
    ...domains.map((domain) => foreignDomain(lab, domain)),
    poolTrouble(host, lab) ?? [],
    networkTrouble(host, lab) ?? [],
  ].flat()
  const names = troubles.map((error) => fromError('names', error))
  return [
    ...(names.length > 0 ? names : [ok('names', 'free, or made by this lab')]),
    ...macFindings(lab, nodes, host),
  ]
}

/** MACs of this lab's nodes that another domain uses; libvirt itself accepts that. */
export function macFindings(lab: Lab, nodes: Node[], host: Host): Finding[] {
  return nodes.flatMap((node) =>
    host.domains
      .filter(({ name, macs }) => name !== node.name && macs.includes(node.mac))
      .map(({ name }) =>
        failure(
          'names',
          `${node.name}: its MAC ${node.mac} is also used by ${name}`,
          `# rename the node in the lab file, or give the other domain another MAC: virsh -c ${quote(lab.libvirt)} edit ${name}`,
        ),
      ),
  )
}
