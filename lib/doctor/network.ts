// PURE. The network of the machines: bridge or NAT network, free addresses, firewall.
import type { Node } from '../lab/lab.ts'
import { cidrsOverlap } from '../lab/rules.ts'
import { listIn, lookedAt, type Facts, type HostFacts, type Knock } from './facts.ts'
import { failure, ok, warning, type Finding } from '../text/findings.ts'
import { isMade } from './ownership.ts'

interface Interface {
  name: string
  /** Networks in CIDR form. */
  networks: string[]
  isBridge: boolean
}

interface Link {
  ifname?: string
  linkinfo?: { info_kind?: string }
  addr_info?: { family?: string; local?: string; prefixlen?: number }[]
}

/** Reads `ip -json -details address`. */
export const parseInterfaces = (json: string): Interface[] =>
  listIn<Link>(json).map(({ ifname = '', linkinfo, addr_info = [] }) => ({
    name: ifname,
    isBridge: linkinfo?.info_kind === 'bridge',
    networks: addr_info
      .filter(({ family }) => family === 'inet')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  }))

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
export function* checkAddresses({ lab, host, knocks, here }: Facts): Iterable<Finding> {
  if (!host) return
  const fresh = knocks.filter(({ node }) => !isMade(host, lab, node))
  const said = { open: 'SSH is open', refused: 'it refuses SSH', silent: undefined }
  let isFree = true
  const taken = ({ name, address }: Node, who: string) => {
    isFree = false
    const found = `${name}: something else answers on ${address} (${who})`
    return failure('addresses', found, '# give the node a free address in the lab file')
  }
  for (const { node, answer } of fresh) if (said[answer]) yield taken(node, said[answer])
  for (const { node, mac, isSure } of strangersAt(fresh, here))
    if (isSure) yield taken(node, `MAC ${mac}`)
  if (isFree) yield ok('addresses', fresh.length > 0 ? 'free' : 'in use by this lab')
}

/** Bridge or NAT network against the host's interfaces. */
export function checkNetwork({ lab, host, here }: Pick<Facts, 'lab' | 'host' | 'here'>): Finding[] {
  const interfaces = parseInterfaces(here('interfaces'))
  const { bridge, nat, cidr } = lab.network
  const own = nat === undefined ? bridge : host?.network?.bridge
  const reaches = ({ networks }: Interface) => networks.some((other) => cidrsOverlap(cidr, other))
  const overlaps = interfaces
    .filter((one) => one.name !== own && one.name !== 'lo' && reaches(one))
    .map(({ name }) =>
      failure(
        'network',
        `network.cidr ${cidr} is also on the interface ${name}`,
        '# give the lab another network.cidr, or the right bridge: ip -brief address',
      ),
    )
  if (nat !== undefined)
    return overlaps.length > 0 ? overlaps : [ok('network', `NAT network ${nat} with ${cidr}`)]
  const found = interfaces.find(({ name }) => name === bridge)
  if (!found?.isBridge) return [noBridge(bridge, interfaces)]
  if (reaches(found))
    return [...overlaps, ok('network', `bridge ${bridge} with ${found.networks.join(' ')}`)]
  const why = `${bridge} has no address in ${cidr}: this host may not reach the nodes`
  const fix = `# give it a free one, such as: sudo ip address add ADDRESS/${cidr.split('/')[1]} dev ${bridge}`
  return [...overlaps, warning('network', why, fix)]
}

function noBridge(bridge: string | undefined, interfaces: Interface[]): Finding {
  if (interfaces.some(({ name }) => name === bridge)) {
    const fix = '# name a bridge in network.bridge, or use --lab labs/nat.yaml'
    return failure('bridge', `${bridge} is not a bridge`, fix)
  }
  const bridges = interfaces.filter(({ isBridge }) => isBridge).map(({ name }) => name)
  return failure(
    'bridge',
    `there is no interface ${bridge}; bridges of this host: ${bridges.join(' ') || 'none'}`,
    '# use a libvirt network instead: --lab labs/nat.yaml',
    '# or create a bridge: tutorials/03-host.md',
  )
}

/** A NAT network needs a host that forwards; Docker and others may drop bridge traffic. */
export function checkFirewall({ lab, here }: Facts): Finding[] {
  if (lab.network.nat !== undefined) {
    const off = 'libvirt turns on ip_forward with the network'
    return [ok('forwarding', here('forwards') === '1' ? 'ip_forward is on' : off)]
  }
  if (here('filters') !== '1') return [ok('firewall', 'does not filter bridge traffic')]
  const letsThrough = here('rules').includes('-P FORWARD ACCEPT') // only root can read the rules
  if (letsThrough) return [ok('firewall', 'lets bridge traffic through')]
  const found = 'iptables filters bridge traffic (Docker turns this on) and may drop it'
  return [warning('firewall', found, 'sudo sysctl -w net.bridge.bridge-nf-call-iptables=0')]
}
