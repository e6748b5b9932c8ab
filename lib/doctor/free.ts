// PURE. Networks and addresses that this host knows of nobody in, as lines for the lab file.
import ipaddr from 'ipaddr.js'
import type { Lab } from '../lab/lab.ts'
import { addressNumber, cidrsOverlap } from '../lab/rules.ts'
import { lookedAt, type Facts, type HostFacts } from './facts.ts'
import { parseInterfaces, parseRoutes, prefixOf } from './network.ts'
import { parseNeighbours } from './ownership.ts'

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
const privateNetworks = [
  ...range(150, 199).map((part) => `192.168.${part}.0/24`),
  ...range(16, 31).map((part) => `172.${part}.150.0/24`),
  ...range(150, 199).map((part) => `10.${part}.150.0/24`),
]

/** What doctor proposes for the lab on this host. */
export const proposals = (lab: Lab, here: HostFacts): Facts['propose'] & {} => ({
  network(other) {
    const cidr = other?.cidr ?? freeNetwork(lab, here)
    if (cidr === undefined)
      return ['# every usual private network is in use here: take one that you can do without']
    return moved(lab, here, { cidr, gateway: cidr.replace(/0\/24$/, '1'), ...other })
  },
  addresses: (taken) => freeAddresses(lab, here, taken, lab.network),
})

const interfacesOf = (here: HostFacts) =>
  (lookedAt(() => parseInterfaces(here('interfaces'))) ?? []).flatMap(({ networks }) => networks)

/** Another network for the machines, that no interface and no route of this host leads to; undefined when there is none. */
export function freeNetwork({ network }: Lab, here: HostFacts): string | undefined {
  const routes = lookedAt(() => parseRoutes(here('routes'))) ?? []
  const known = [network.cidr, ...interfacesOf(here), ...routes.map(({ to }) => to)]
  const narrow = known.filter((cidr) => prefixOf(cidr) >= 8) // the others lead everywhere
  return privateNetworks.find((cidr) => !narrow.some((other) => cidrsOverlap(cidr, other)))
}

type Place = { cidr: string; gateway: string }

/** What to write into the lab file to have the machines in that network. */
function moved(lab: Lab, here: HostFacts, place: Place): string[] {
  const { bridge, nat } = lab.network
  const old = lab.nodes.map(({ address }) => address)
  const free = freeAddresses(lab, here, old, place)
  return [
    '# put these lines into the lab file, below network:',
    `#   ${nat === undefined ? `bridge: ${bridge}` : `nat: ${nat}`}`,
    `#   cidr: ${place.cidr}`,
    `#   gateway: ${place.gateway}`,
    `# and give the nodes free addresses there, perhaps ${lab.nodes
      .map(({ name }, index) => `${name} ${free[index] ?? '(none)'}`)
      .join(', ')}`,
  ]
}

/** A lab file with its network of 256 addresses moved to another one, and the program for sed that does the same. */
export function movedTo(free: string, text: string, { network: { cidr } }: Lab) {
  const partOf = (network: string) => /^(.*\.)0\/24$/.exec(network)?.[1]
  const [old, now] = [partOf(cidr), partOf(free)]
  if (old === undefined || now === undefined) return undefined
  const sed = `s/${old.replaceAll('.', '\\.')}/${now}/g`
  return { text: text.replaceAll(old, now), sed }
}

const toAddress = (number: number) =>
  [24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256).join('.')
const firstOf = (cidr: string) => addressNumber(ipaddr.IPv4.networkAddressFromCIDR(cidr).toString())

/** An address for each of these that nobody is known to have, at the same place in the network where it can be. */
function freeAddresses(lab: Lab, here: HostFacts, old: string[], { cidr, gateway }: Place) {
  const { network, nodes, rke2 } = lab
  const taken = new Set([
    gateway,
    ...(rke2.vip === undefined ? [] : [rke2.vip]),
    ...(cidr === network.cidr ? nodes.map(({ address }) => address) : []),
    ...interfacesOf(here).map((own) => own.replace(/\/.*/, '')),
    ...(lookedAt(() => parseNeighbours(here('neighbours'))) ?? new Map<string, never>()).keys(),
  ])
  const hosts = 2 ** (32 - prefixOf(cidr)) - 2 // neither the first nor the last
  return old.flatMap((address) => {
    const place = addressNumber(address) - firstOf(network.cidr) - 1
    const found = range(0, Math.min(hosts, 1024) - 1)
      .map((step) => toAddress(firstOf(cidr) + 1 + ((place + step) % hosts)))
      .find((one) => !taken.has(one))
    if (found !== undefined) taken.add(found)
    return found ?? []
  })
}
