// PURE. What a lab file must obey beyond its shape. Works on the raw document, so that these
// problems are reported together with those of the shape.
import ipaddr from 'ipaddr.js'
import { rke2KeyProblem } from './rke2-keys.ts'

export interface Problem {
  path: (string | number)[]
  message: string
}

type Raw = Record<string, unknown>
const record = (value: unknown): Raw =>
  value !== null && typeof value === 'object' ? (value as Raw) : {}
const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && ipaddr.IPv4.isValidFourPartDecimal(value)
const isCidr = (value: unknown): value is string =>
  typeof value === 'string' && ipaddr.IPv4.isValidCIDR(value)

/** True when the two IPv4 networks share an address. */
export function cidrsOverlap(one: string, other: string): boolean {
  const [a, b] = [ipaddr.IPv4.parseCIDR(one), ipaddr.IPv4.parseCIDR(other)]
  return a[1] <= b[1] ? b[0].match(a) : a[0].match(b)
}

/** True when the IPv4 address lies in the network. */
export function cidrContains(cidr: string, address: string): boolean {
  return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(cidr))
}

function addressProblem(raw: Raw, address: string): string | undefined {
  const { cidr, gateway } = record(raw.network)
  if (!isCidr(cidr)) return undefined
  if (!cidrContains(cidr, address)) return `${address} is not in network.cidr ${cidr}`
  const reserved: [string, unknown][] = [
    ['the network address of', ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()],
    ['the broadcast address of', ipaddr.IPv4.broadcastAddressFromCIDR(cidr).toString()],
    ['network.gateway in', gateway],
  ]
  const hit = reserved.find(([, other]) => other === address)
  return hit && `${address} is ${hit[0]} ${cidr}`
}

function duplicates(nodes: Raw[], key: 'name' | 'address'): Problem[] {
  return nodes.flatMap((node, index) => {
    const first = nodes.findIndex((other) => other[key] === node[key])
    if (typeof node[key] !== 'string' || first === index) return []
    return [{ path: ['nodes', index, key], message: `${node[key]} is already nodes[${first}]` }]
  })
}

function networkProblems(raw: Raw): Problem[] {
  const { cidr, gateway } = record(raw.network)
  if (!isCidr(cidr)) return []
  const problems: Problem[] = []
  if (isAddress(gateway) && !cidrContains(cidr, gateway))
    problems.push({
      path: ['network', 'gateway'],
      message: `${gateway} is not in network.cidr ${cidr}`,
    })
  const config = record(record(raw.rke2).config)
  for (const [key, fallback] of [
    ['cluster-cidr', '10.42.0.0/16'],
    ['service-cidr', '10.43.0.0/16'],
  ] as const) {
    const used = config[key] ?? fallback
    if (isCidr(used) && cidrsOverlap(cidr, used))
      problems.push({
        path: ['network', 'cidr'],
        message: `${cidr} overlaps RKE2's ${key} ${used}; change one of them (rke2.config.${key})`,
      })
  }
  return problems
}

// The lab file is YAML 1.2, in which `yes` is text; RKE2 would be handed the text, and refuse it for a boolean.
const textForBoolean = (value: unknown) =>
  typeof value === 'string' && /^(yes|no|on|off)$/i.test(value)
    ? `"${value}" is text here; write ${/^(yes|on)$/i.test(value)}`
    : undefined

/** Every broken rule of a raw lab document. */
export function ruleProblems(document: unknown): Problem[] {
  const raw = record(document)
  const nodes = (Array.isArray(raw.nodes) ? raw.nodes : []).map(record)
  const addresses = nodes.flatMap((node, index) => {
    const message = isAddress(node.address) && addressProblem(raw, node.address)
    return message ? [{ path: ['nodes', index, 'address'], message }] : []
  })
  const vip = record(raw.rke2).vip
  const vipMessage = isAddress(vip) && addressProblem(raw, vip)
  const rke2 = Object.entries(record(record(raw.rke2).config)).flatMap(([key, value]) => {
    const message = rke2KeyProblem(key, value) ?? textForBoolean(value)
    return message ? [{ path: ['rke2', 'config', key], message }] : []
  })
  return [
    ...duplicates(nodes, 'name'),
    ...duplicates(nodes, 'address'),
    ...addresses,
    ...networkProblems(raw),
    ...(vipMessage ? [{ path: ['rke2', 'vip'], message: vipMessage }] : []),
    ...rke2,
    ...(nodes.length > 0 && !nodes.some(({ role }) => role === 'server')
      ? [{ path: ['nodes'], message: 'at least one node must have role: server' }]
      : []),
  ]
}

/** Things worth a warning in a valid lab file. */
export function ruleWarnings(document: unknown): string[] {
  const nodes = record(document).nodes
  const servers = (Array.isArray(nodes) ? nodes.map(record) : []).filter(
    ({ role }) => role === 'server',
  )
  return servers.length > 0 && servers.length % 2 === 0
    ? [
        `${servers.length} servers: etcd wants an odd number; ` +
          `${servers.length} tolerate no more failures than ${servers.length - 1}`,
      ]
    : []
}
