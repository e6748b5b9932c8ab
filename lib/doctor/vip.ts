// PURE. The address that the servers share: whether someone else has it.
import { failure, ok, type Finding } from '../text/findings.ts'
import { lookedAt, type Facts } from './facts.ts'
import { parseInterfaces } from './network.ts'
import { parseNeighbours } from './ownership.ts'

/** Its MAC is that of a server, or nobody has it; the kernel was made to look for it. */
export function checkVip({
  lab,
  here,
  propose,
}: Pick<Facts, 'lab' | 'here' | 'propose'>): Finding[] {
  const { vip } = lab.rke2
  if (vip === undefined) return []
  const free = propose?.addresses([vip])[0]
  const advice = `# give rke2.vip an address that nobody uses, outside of DHCP${free ? `, perhaps ${free}` : ''}`
  const interfaces = lookedAt(() => parseInterfaces(here('interfaces'))) ?? []
  const own = interfaces.find(({ networks }) => networks.some((net) => net.startsWith(`${vip}/`)))
  if (own) return [failure('addresses', `rke2.vip: this host has ${vip} on ${own.name}`, advice)]
  const { mac, isSure } = parseNeighbours(here('neighbours')).get(vip) ?? {}
  const holder = [...lab.nodes, ...(lab.others ?? [])].find((node) => node.mac === mac)
  if (holder?.role === 'server')
    return [ok('addresses', `rke2.vip ${vip} is held by ${holder.name}`)]
  if (!isSure) return [ok('addresses', `nobody answers on rke2.vip ${vip}`)]
  const who = holder ? `the agent ${holder.name}` : 'something else'
  return [failure('addresses', `rke2.vip: ${who} answers on ${vip} (MAC ${mac})`, advice)]
}
