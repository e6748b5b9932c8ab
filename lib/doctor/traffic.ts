// PURE. Whether packets take the way that the lab file thinks: past this host's routes, and through its firewall.
import { cidrContains, cidrsOverlap } from '../lab/rules.ts'
import { failure, ok, warning, type Finding } from '../text/findings.ts'
import type { Facts } from './facts.ts'
import { everywhere, parseInterfaces, parseRoutes, prefixOf, reaches } from './network.ts'

// Wider ones are ways to everywhere.
const isNarrow = ({ to }: { to: string }): boolean => prefixOf(to) >= 8

/** A VPN may have the better route to the nodes, a second card the same LAN, the router another address. */
export function checkRoutes({
  lab,
  host,
  here,
  propose,
}: Pick<Facts, 'lab' | 'host' | 'here' | 'propose'>): Finding[] {
  const { bridge = '', cidr, gateway, nat } = lab.network
  const near = parseInterfaces(here('interfaces')).filter((one) => reaches(lab, one))
  const routes = parseRoutes(here('routes')).sort(
    (one, other) =>
      prefixOf(other.to) - prefixOf(one.to) || (one.metric ?? 0) - (other.metric ?? 0),
  )
  if (nat !== undefined) {
    const wide = routes.find((route) => isNarrow(route) && cidrsOverlap(route.to, cidr))
    if (!wide || prefixOf(wide.to) >= prefixOf(cidr)) return [] // said by checkNetwork
    if (near.length > 0 || host?.network?.active) return [] // said there too, or the network is there
    const found = `${wide.dev} has the route to ${wide.to} (a VPN?): the lab would take ${cidr} out of that`
    return [warning('routes', found, ...(propose?.network() ?? []))]
  }
  if (!near.some(({ name }) => name === bridge)) return [] // said by checkNetwork
  const stray = lab.nodes.flatMap(({ name, address }) => {
    const route = routes.find(({ to }) => cidrContains(to, address))
    if (!route || !isNarrow(route) || near.some((one) => one.name === route.dev)) return []
    const found = `${name}: this host sends packets for ${address} to ${route.dev} (route to ${route.to}), not to ${bridge}`
    const fix = `# leave that VPN, or go around it until the next start: sudo ip route replace ${address} dev ${bridge}`
    return [failure('routes', found, fix)]
  })
  const cards = near.filter(({ name, isBridge }) => name !== bridge && name !== 'lo' && !isBridge)
  const ways = routes.filter(({ dev, to }) => dev === bridge && to === everywhere)
  const routers = ways.flatMap((way) => way.gateway ?? [])
  const findings = [
    ...stray,
    ...cards.map(({ name, networks }) =>
      warning(
        'routes',
        `${name} (${networks.join(' ')}) is in the network of ${bridge} too: fine if that is the same LAN`,
        `# if a node does not answer: ip route get ADDRESS, and sudo ip link set ${name} down`,
      ),
    ),
    ...(routers.length === 0 || routers.includes(gateway) ? [] : [otherRouter()]),
  ]
  return findings.length > 0 ? findings : [ok('routes', `to the nodes by ${bridge}`)]

  function otherRouter(): Finding {
    const found = `the router of ${bridge} is ${routers[0]}, the lab file says ${gateway}: the machines may have no internet`
    const fix = `# gateway: ${routers[0]} in the lab file, unless both are routers`
    return warning('routes', found, fix)
  }
}

/** A NAT network needs a host that forwards; Docker, ufw and others may drop it, or the traffic of a bridge. */
export function checkFirewall(facts: Facts): Finding[] {
  const { lab, here } = facts
  if (lab.network.nat !== undefined) return [checkForwarding(facts)]
  if (here('filters') !== '1') return [ok('firewall', 'does not filter bridge traffic')]
  const letsThrough = here('rules').includes('-P FORWARD ACCEPT') // only root can read the rules
  if (letsThrough) return [ok('firewall', 'lets bridge traffic through')]
  const found = 'iptables filters bridge traffic (Docker turns this on) and may drop it'
  return [warning('firewall', found, 'sudo sysctl -w net.bridge.bridge-nf-call-iptables=0')]
}

// With iptables, libvirt's rules come before a policy. Those in a table of nftables cannot overrule what another one drops.
function checkForwarding({ lab, here }: Facts): Finding {
  const { cidr } = lab.network
  const isOn = here('forwards') === '1'
  const fine = isOn ? 'ip_forward is on' : 'libvirt turns on ip_forward with the network'
  const settings = here('backend')
  if (backendIn(settings) !== 'nftables') return ok('forwarding', fine)
  const rules = here('rules') // only root can read them
  const isLetThrough = ['-s', '-d'].every((way) =>
    new RegExp(`^-A (DOCKER-USER|FORWARD) ${way} ${cidr} -j ACCEPT$`, 'm').test(rules),
  )
  if (isLetThrough) return ok('forwarding', `${fine}, and iptables lets ${cidr} through`)
  const drops = /^-P FORWARD DROP$/m.test(rules)
  const hasUfw = /^ENABLED=yes/m.test(settings) && /^DEFAULT_FORWARD_POLICY="?DROP/m.test(settings)
  const hasDocker =
    rules.includes('DOCKER') ||
    parseInterfaces(here('interfaces')).some(({ name }) => name === 'docker0')
  if (rules === '' ? !hasUfw && !hasDocker : !drops) return ok('forwarding', fine)
  const who = hasUfw ? 'ufw' : hasDocker ? 'Docker' : 'this host'
  return warning(
    'forwarding',
    `the firewall of ${who} ${drops ? 'drops' : 'may drop'} what is forwarded, and libvirt's own rules (nftables) cannot overrule that: the machines would have no internet`,
    hasUfw
      ? `sudo ufw route allow from ${cidr} && sudo ufw route allow to ${cidr}`
      : accept(hasDocker ? 'DOCKER-USER' : 'FORWARD', cidr),
    ...(hasUfw ? [] : ['# until the next start of this host; ways that last: docs/network.md']),
  )
}

/** The firewall that libvirt (10.4 or newer) writes its rules for, in network.conf: as set, or the first of the list in its comment. */
function backendIn(settings: string): string | undefined {
  const [, set] = /^ *firewall_backend *= *"(\w+)"/m.exec(settings) ?? []
  return set ?? /^# *\[(\w+), *\w+\]/m.exec(settings)?.[1]
}

// Safe to repeat.
const accept = (chain: string, cidr: string) =>
  `sudo sh -c 'for way in -s -d; do iptables -C ${chain} $way ${cidr} -j ACCEPT 2>/dev/null || iptables -I ${chain} $way ${cidr} -j ACCEPT; done'`
