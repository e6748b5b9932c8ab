// PURE. The host's interfaces, and whether the lab's network fits among them.
import { failure, ok, warning, type Finding } from './findings.ts'
import type { Lab } from './lab.ts'
import { cidrsOverlap } from './lab-rules.ts'
import type { Host } from './libvirt.ts'

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
        ),
  ]
}
