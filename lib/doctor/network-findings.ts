// PURE. The host's interfaces and neighbours, and whether the lab's network and addresses fit among them.
import { failure, ok, warning, type Finding } from './findings.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { cidrsOverlap } from '../lab/rules.ts'
import type { Host } from '../libvirt/observe.ts'
import { isMade } from './ownership.ts'

export interface Interface {
  name: string
  /** Networks in CIDR form. */
  networks: string[]
  isBridge: boolean
}

/** Reads `ip -json -details address`. */
export function parseInterfaces(json: string): Interface[] {
  interface Link {
    ifname?: string
    linkinfo?: { info_kind?: string }
    addr_info?: { family?: string; local?: string; prefixlen?: number }[]
  }
  let links: Link[]
  try {
    links = JSON.parse(json) as Link[]
  } catch {
    return []
  }
  return links.map((link) => ({
    name: link.ifname ?? '',
    isBridge: link.linkinfo?.info_kind === 'bridge',
    networks: (link.addr_info ?? [])
      .filter(({ family }) => family === 'inet')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  }))
}

export interface Neighbour {
  mac: string
  /** It answered lately; else it did once, and the kernel is asking it again. */
  isSure: boolean
}

/** Reads `ip -json neighbour show`: who has, or had, each address. */
export function parseNeighbours(json: string): Map<string, Neighbour> {
  let all: { dst?: string; lladdr?: string; state?: string[] }[]
  try {
    all = JSON.parse(json) as typeof all
  } catch {
    return new Map()
  }
  return new Map(
    all.flatMap(({ dst, lladdr, state: [state = ''] = [] }): [string, Neighbour][] =>
      dst && lladdr && ['REACHABLE', 'STALE', 'DELAY', 'PROBE'].includes(state)
        ? [[dst, { mac: lladdr, isSure: state === 'REACHABLE' }]]
        : [],
    ),
  )
}

/** Judges the addresses of nodes that have no machine yet, given what answers there (by node name). */
export function addressFindings(
  lab: Lab,
  nodes: Node[],
  host: Host | undefined,
  answers: Map<string, string>,
): Finding[] {
  if (!host) return [] // without libvirt the lab's own machines look like strangers
  const fresh = nodes.filter((node) => !isMade(host, lab, node))
  const taken = fresh.filter(({ name }) => answers.has(name))
  if (taken.length === 0) return [ok('addresses', fresh.length > 0 ? 'free' : 'in use by this lab')]
  return taken.map(({ name, address }) =>
    failure(
      'addresses',
      `${name}: something else answers on ${address} (${answers.get(name)})`,
      '# give the node a free address in the lab file',
    ),
  )
}

/** Judges bridge or NAT network against the host's interfaces. */
export function networkFindings(
  lab: Lab,
  host: Host | undefined,
  interfaces: Interface[],
): Finding[] {
  const { bridge, nat, cidr } = lab.network
  const own = nat === undefined ? bridge : host?.network?.bridge
  const overlaps = interfaces
    .filter(({ name }) => name !== own && name !== 'lo')
    .flatMap(({ name, networks }) =>
      networks.filter((other) => cidrsOverlap(cidr, other)).map(() => name),
    )
  const overlap = overlaps.map((name) =>
    failure(
      'network',
      `network.cidr ${cidr} is also on the interface ${name}`,
      `# give the lab another network.cidr, or the right bridge: ip -brief address`,
    ),
  )
  if (nat !== undefined)
    return overlap.length > 0 ? overlap : [ok('network', `NAT network ${nat} with ${cidr}`)]
  const found = interfaces.find(({ name }) => name === bridge)
  if (!found)
    return [
      failure(
        'bridge',
        `there is no interface ${bridge}; bridges of this host: ${
          interfaces
            .filter(({ isBridge }) => isBridge)
            .map(({ name }) => name)
            .join(' ') || 'none'
        }`,
        "# use a network of libvirt's own instead: --lab labs/nat.yaml",
        '# or make a bridge: tutorials/03-host.md',
      ),
    ]
  if (!found.isBridge)
    return [
      failure(
        'bridge',
        `${bridge} is no bridge`,
        '# name a bridge in network.bridge, or use --lab labs/nat.yaml',
      ),
    ]
  const reaches = found.networks.some((other) => cidrsOverlap(cidr, other))
  return [
    ...overlap,
    reaches
      ? ok('network', `bridge ${bridge} with ${found.networks.join(' ')}`)
      : warning(
          'network',
          `${bridge} has no address in ${cidr}: this host may not reach the nodes`,
          `# give it a free one, such as: sudo ip address add ADDRESS/${cidr.split('/')[1]} dev ${bridge}`,
        ),
  ]
}
