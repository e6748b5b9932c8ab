// PURE. Names, MACs and addresses of the lab that someone else uses.
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import {
  foreignDomain,
  networkTrouble,
  pair,
  poolTrouble,
  whoseDomain,
} from '../libvirt/ownership.ts'
import { line, script } from '../text/errors.ts'
import { quote } from '../text/quote.ts'
import { failure, fromError, ok, warning, type Finding } from '../text/findings.ts'
import { listIn, lookedAt, type Facts, type HostFacts, type Knock } from './facts.ts'
import { parseInterfaces } from './network.ts'

/** Whether this lab made a domain for the node. */
export const isMade = (host: Host, lab: Lab, node: Node) =>
  host.domains.some((domain) => domain.name === node.name && whoseDomain(lab, domain) === 'ours')

/** Names, pool, network and MACs that someone else uses. */
export function checkOwnership({
  lab,
  nodes,
  host,
}: Pick<Facts, 'lab' | 'nodes' | 'host'>): Finding[] {
  if (!host) return []
  const troubles = [poolTrouble(host, lab) ?? [], networkTrouble(host, lab) ?? []].flat()
  const found = [
    ...checkNames(lab, host, [...nodes, ...(lab.others ?? [])]),
    ...troubles.map((error) => fromError('names', error)),
    ...unknownMachines(lab, host),
  ]
  return found.length > 0 ? found : [ok('names', 'free, or made by this lab')]
}

/** Names and MACs of these nodes that someone else uses on a host, theirs or another one. */
export const checkNames = (lab: Lab, host: Host, nodes: Node[]): Finding[] => [
  ...pair(lab, host, nodes).flatMap(({ foreign }) =>
    foreign ? [fromError('names', foreignDomain(lab, foreign))] : [],
  ),
  ...strays(lab, host, nodes),
  ...macFindings(lab, nodes, host),
]

// On a further host, such a machine may be that of another folder whose lab has the same name.
function unknownMachines(lab: Lab, host: Host): Finding[] {
  if (lab.others === undefined) return []
  const known = [...lab.nodes, ...lab.others].map(({ name }) => name)
  const names = host.domains
    .filter((domain) => whoseDomain(lab, domain) === 'ours' && !known.includes(domain.name))
    .map(({ name }) => name)
  if (names.length === 0) return []
  return [
    warning(
      'names',
      `${names.join(', ')}: of a lab ${lab.name}, but not in the lab file; destroy would remove it`,
      '# made in another folder? give one of the two labs another name',
    ),
  ]
}

/** Machines of this lab that the lab file puts on another host. */
const strays = (lab: Lab, host: Host, nodes: Node[]): Finding[] =>
  (lab.others ?? [])
    .filter((node) => nodes.includes(node) && isMade(host, lab, node))
    .map(({ name }) =>
      failure(
        'names',
        `${name} is there, and the lab file has it on another host; a machine does not move`,
        line('# make it again: ', script('destroy', name), ' && ', script('create', name)),
      ),
    )

/** MACs of this lab's nodes that another domain uses; libvirt itself accepts that. */
export function macFindings(lab: Lab, nodes: Node[], host: Host): Finding[] {
  const all = nodes.flatMap((node) => [node, ...node.networks].map(({ mac }) => ({ node, mac })))
  return all.flatMap(({ node, mac }) =>
    host.domains
      .filter(({ name, macs }) => name !== node.name && macs.includes(mac))
      .map(({ name }) =>
        failure(
          'names',
          `${node.name}: its MAC ${mac} is also used by ${name}`,
          `# rename the node in the lab file, or give the other domain another MAC: virsh -c ${quote(lab.libvirt)} edit ${name}`,
        ),
      ),
  )
}

interface Neighbour {
  mac: string
  /** It answered recently; otherwise the kernel is still probing it. */
  isSure: boolean
}

/** Reads `ip -json neighbour show`: who has, or had, each address. */
export function parseNeighbours(json: string): Map<string, Neighbour> {
  const all = listIn<{ dst?: string; lladdr?: string; state?: string[] }>(json)
  return new Map(
    all.flatMap(({ dst, lladdr, state: [state = ''] = [] }): [string, Neighbour][] =>
      dst && lladdr && ['REACHABLE', 'STALE', 'DELAY', 'PROBE'].includes(state)
        ? [[dst, { mac: lladdr, isSure: state === 'REACHABLE' }]]
        : [],
    ),
  )
}

/** Other owners of the silent addresses; a node's own MAC is that of a machine that ran a moment ago. */
function strangersAt(knocks: Knock[], here: HostFacts) {
  const silent = knocks.filter(({ answer }) => answer === 'silent')
  const known = silent.length > 0 ? parseNeighbours(here('neighbours')) : new Map<string, never>()
  return silent.flatMap(({ node }) => {
    const found = known.get(node.address)
    return found && found.mac !== node.mac ? [{ node, ...found }] : []
  })
}

/** Whether the kernel is still probing one of them. */
export const isAsking = (knocks: Knock[], here: HostFacts): boolean =>
  lookedAt(() => strangersAt(knocks, here))?.some(({ isSure }) => !isSure) ?? false

/** The addresses of nodes without a machine; only libvirt shows which machines are the lab's own. */
export function* checkAddresses({
  lab,
  host,
  knocks,
  here,
  propose,
}: Pick<Facts, 'lab' | 'host' | 'knocks' | 'here' | 'propose'>): Iterable<Finding> {
  if (!host) return
  const fresh = knocks.filter(({ node }) => !isMade(host, lab, node))
  const said = { open: 'SSH is open', refused: 'it refuses SSH', silent: undefined }
  const interfaces = lookedAt(() => parseInterfaces(here('interfaces'))) ?? []
  const free = propose?.addresses(fresh.map(({ node }) => node.address)) ?? []
  // On a NAT network that is not there yet, an answer comes from another network with these addresses.
  const moved = lab.network.nat !== undefined && !host.network?.active && propose?.network()
  let isFree = true
  const taken = ({ name, address }: Node, who: string) => {
    isFree = false
    const own = interfaces.find((one) => one.networks.some((net) => net.startsWith(`${address}/`)))
    const found = own
      ? `this host has ${address} on ${own.name}`
      : `something else answers on ${address} (${who})`
    const other = free[fresh.findIndex(({ node }) => node.name === name)]
    const advice = `# give the node a free address in the lab file${other ? `, perhaps ${other}` : ''}`
    return failure('addresses', `${name}: ${found}`, ...(moved || [advice]))
  }
  for (const { node, answer } of fresh) if (said[answer]) yield taken(node, said[answer])
  for (const { node, mac, isSure } of strangersAt(fresh, here))
    if (isSure) yield taken(node, `MAC ${mac}`)
  if (isFree) yield ok('addresses', fresh.length > 0 ? 'free' : 'in use by this lab')
}
