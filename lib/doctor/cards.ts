// PURE. The bridges and libvirt networks of further network cards against this host.
import { quote } from '../text/quote.ts'
import { failure, type Finding } from '../text/findings.ts'
import type { Facts } from './facts.ts'
import { parseInterfaces } from './network.ts'

/** What further cards of these nodes need and the host lacks; nothing where there are no such cards. */
export function checkCards({ lab, nodes, host, here }: Facts): Finding[] {
  const cards = nodes.flatMap((node) => node.networks)
  if (cards.length === 0) return []
  const unique = (names: (string | undefined)[]) => [...new Set(names.flatMap((one) => one ?? []))]
  const found = parseInterfaces(here('interfaces'))
  const bridges = unique(cards.map(({ bridge }) => bridge))
    .filter((name) => !found.some((one) => one.name === name && one.isBridge))
    .map((name) =>
      failure(
        'bridge',
        `there is no bridge ${name}, which a network card of the lab file (networks) is in`,
        '# create it, as docs/network.md says, or name another: ip -brief link show type bridge',
      ),
    )
  const virsh = `virsh -c ${quote(lab.libvirt)}`
  const networks = unique(cards.map(({ network }) => network)).flatMap((name) => {
    if (!host?.networks || name === lab.network.nat) return []
    const there = host.networks.find((one) => one.name === name)
    if (there?.active) return []
    const what = there
      ? `the libvirt network ${name} is off`
      : `there is no libvirt network ${name}`
    const fix = there ? `${virsh} net-start ${name}` : `# name another: ${virsh} net-list --all`
    return failure('network', `${what}, which a network card of the lab file (networks) is in`, fix)
  })
  return [...bridges, ...networks]
}
