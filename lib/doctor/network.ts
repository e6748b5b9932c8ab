// PURE. The network of the machines against this host: a bridge, or a NAT network of libvirt.
import ipaddr from 'ipaddr.js'
import type { Lab } from '../lab/lab.ts'
import { cidrsOverlap } from '../lab/rules.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import { script } from '../text/errors.ts'
import { failure, ok, warning, type Finding } from '../text/findings.ts'
import { listIn, lookedAt, type Facts } from './facts.ts'

interface Interface {
  name: string
  /** Networks in CIDR form, with the address of this host in them. */
  networks: string[]
  isBridge: boolean
}

type Addresses = { family?: string; local?: string; prefixlen?: number }[]
type Link = { ifname?: string; linkinfo?: { info_kind?: string }; addr_info?: Addresses }

/** Reads `ip -json -details address`. */
export const parseInterfaces = (json: string): Interface[] =>
  listIn<Link>(json).map(({ ifname = '', linkinfo, addr_info: all = [] }) => ({
    name: ifname,
    isBridge: linkinfo?.info_kind === 'bridge',
    networks: all.flatMap((a) => (a.family === 'inet' ? `${a.local}/${a.prefixlen}` : [])),
  }))

interface Route {
  /** Where to, in CIDR form. */
  to: string
  dev: string
  gateway?: string
  metric?: number
}

/** Reads `ip -json route`, without routes that lead nowhere. */
export const parseRoutes = (json: string): Route[] =>
  listIn<Partial<Route> & { dst?: string }>(json).flatMap(({ dst = '', dev, ...more }) => {
    const to = dst === 'default' ? everywhere : dst.includes('/') ? dst : `${dst}/32`
    return dev && ipaddr.IPv4.isValidCIDR(to) ? [{ ...more, to, dev }] : []
  })

export const everywhere = '0.0.0.0/0'
export const prefixOf = (cidr: string): number => Number(cidr.split('/')[1])
export const reaches = ({ network }: Lab, { networks }: Interface): boolean =>
  networks.some((other) => cidrsOverlap(network.cidr, other))

/** What is in the way of the lab's bridge or NAT network. Doctor looks at the routes to a bridge besides (traffic.ts). */
export function checkNetwork(seen: Pick<Facts, 'lab' | 'host' | 'here' | 'propose'>): Finding[] {
  const { lab, host, here, propose } = seen
  const { bridge, nat, cidr } = lab.network
  if (nat !== undefined && !libvirtHost(lab.libvirt).isHere) return [farNat(lab)]
  const refuse = (why: string, other?: { cidr: string; gateway: string }) =>
    failure('network', why, ...(propose?.network(other) ?? [script('doctor')]))
  const interfaces = parseInterfaces(here('interfaces'))
  const routes = lookedAt(() => parseRoutes(here('routes'))) ?? []
  const own = nat === undefined ? bridge : host?.network?.bridge
  const others = interfaces.filter((one) => ![own, 'lo'].includes(one.name) && reaches(lab, one))
  if (nat !== undefined) {
    // libvirt refuses only the same network; a narrower one would take machines out of it.
    const isRival = ({ to }: Route) => prefixOf(to) >= prefixOf(cidr) && cidrsOverlap(cidr, to)
    const route = routes.find((one) => one.dev !== own && isRival(one))
    if (others[0])
      return [refuse(`network.cidr ${cidr} is also on the interface ${others[0].name}`)]
    if (!route) return [ok('network', `NAT network ${nat} with ${cidr}`)]
    return [refuse(`network.cidr ${cidr}: ${route.dev} has a route to ${route.to} (a VPN?)`)]
  }
  const found = interfaces.find(({ name }) => name === bridge)
  if (!found?.isBridge) return [noBridge(lab, interfaces)]
  const [first] = found.networks
  if (first !== undefined && !reaches(lab, found)) {
    const [address = '', prefix] = first.split('/')
    const actual = `${ipaddr.IPv4.networkAddressFromCIDR(first).toString()}/${prefix}`
    const way = routes.find(({ dev, to, gateway: g }) => dev === bridge && to === everywhere && g)
    const why = `${bridge} is in the network ${actual}, the lab file says ${cidr}`
    return [refuse(why, { cidr: actual, gateway: way?.gateway ?? address })]
  }
  const rivals = others.filter(({ isBridge }) => isBridge)
  return [
    ...rivals.map(({ name }) => {
      const fix = `# bridge: ${name} in the lab file, if the machines belong there: ip -brief address`
      return failure('network', `network.cidr ${cidr} is also on the bridge ${name}`, fix)
    }),
    first === undefined
      ? noAddress(lab, others.find(({ isBridge }) => !isBridge)?.name)
      : ok('network', `bridge ${bridge} with ${found.networks.join(' ')}`),
  ]
}

function farNat({ libvirt, network: { nat } }: Lab): Finding {
  const { name, ssh } = libvirtHost(libvirt)
  const why = `only ${name} can reach machines on its NAT network ${nat}, and the scripts run here`
  const there = `# run the scripts there${ssh ? ` (${ssh})` : ''}, with libvirt: qemu:///system in the lab file`
  return failure('network', why, there, `# or name a bridge of ${name} in network.bridge`)
}

function noAddress({ network: { bridge, cidr } }: Lab, card: string | undefined): Finding {
  const why = `${bridge} has no address in ${cidr}: this host `
  const fix = card
    ? `# is a card of that LAN in the bridge? ip -brief link show master ${bridge}`
    : `# give it a free one, such as: sudo ip address add ADDRESS/${prefixOf(cidr)} dev ${bridge}`
  const way = card
    ? `reaches the nodes by ${card}, if both are in one LAN`
    : 'may not reach the nodes'
  return warning('network', why + way, fix)
}

function noBridge({ libvirt, network: { bridge } }: Lab, interfaces: Interface[]): Finding {
  const { isHere } = libvirtHost(libvirt)
  const nat = isHere ? ['# use a NAT network instead: cp labs/nat.yaml lab.yaml'] : []
  const name = '# name a bridge in network.bridge'
  if (interfaces.some((one) => one.name === bridge))
    return failure('bridge', `${bridge} is not a bridge`, name, ...nat)
  const bridges = interfaces.flatMap(({ name, isBridge }) => (isBridge ? name : [])).join(' ')
  const why = `there is no interface ${bridge}; bridges of this host: ${bridges || 'none'}`
  return failure('bridge', why, ...nat, `# ${isHere ? 'or ' : ''}create a bridge: docs/network.md`)
}
