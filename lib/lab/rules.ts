// PURE. The rules of a lab file beyond its shape. They check the raw document, so that their problems are reported together
// with those of the shape.
import ipaddr from 'ipaddr.js'
import { rke2KeyProblem } from './rke2-keys.ts'

export interface Problem {
  path: (string | number)[]
  message: string
}

export type Raw = Record<string, unknown>
export const record = (value: unknown): Raw =>
  value !== null && typeof value === 'object' ? (value as Raw) : {}
export const isAddress = (value: unknown): value is string =>
  typeof value === 'string' && ipaddr.IPv4.isValidFourPartDecimal(value)
export const isCidr = (value: unknown): value is string =>
  typeof value === 'string' && ipaddr.IPv4.isValidCIDR(value)

/** True if the two IPv4 networks share an address. */
export function cidrsOverlap(one: string, other: string): boolean {
  const [a, b] = [ipaddr.IPv4.parseCIDR(one), ipaddr.IPv4.parseCIDR(other)]
  return a[1] <= b[1] ? b[0].match(a) : a[0].match(b)
}

/** True if the IPv4 address is in the network. */
export function cidrContains(cidr: string, address: string): boolean {
  return ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(cidr))
}

/** True if the IPv4 address is in the range, `FIRST-LAST` or a network; false if that is none. */
export function rangeContains(range: string, address: string): boolean {
  if (range.includes('/')) return isCidr(range) && cidrContains(range, address)
  const [first, last] = range.split('-').map((end) => end.trim())
  if (!isAddress(first) || !isAddress(last)) return false
  const place = addressNumber(address)
  return addressNumber(first) <= place && place <= addressNumber(last)
}

/** An IPv4 address as a number. */
export const addressNumber = (address: string): number =>
  ipaddr.IPv4.parse(address).octets.reduce((sum, octet) => sum * 256 + octet, 0)

export const problem = (path: Problem['path'], message: string | false | undefined): Problem[] =>
  message ? [{ path, message }] : []

function addressProblem(raw: Raw, address: unknown): string | undefined {
  const { cidr, gateway } = record(raw.network)
  if (!isAddress(address) || !isCidr(cidr)) return undefined
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
    return problem(['nodes', index, key], `${node[key]} is already nodes[${first}]`)
  })
}

/** RKE2's networks, unless rke2.config says others. */
export const ofCluster = { 'cluster-cidr': '10.42.0.0/16', 'service-cidr': '10.43.0.0/16' }

function networkProblems(raw: Raw): Problem[] {
  const { cidr, gateway } = record(raw.network)
  if (!isCidr(cidr)) return []
  const config = record(record(raw.rke2).config)
  const overlap = (key: string, fallback: string) => {
    const used = config[key] ?? fallback
    if (!isCidr(used) || !cidrsOverlap(cidr, used)) return undefined
    return `${cidr} overlaps RKE2's ${key} ${used}; change one of them (rke2.config.${key})`
  }
  const isOutside = isAddress(gateway) && !cidrContains(cidr, gateway)
  return [
    ...problem(['network', 'gateway'], isOutside && `${gateway} is not in network.cidr ${cidr}`),
    ...problem(['network', 'cidr'], overlap('cluster-cidr', ofCluster['cluster-cidr'])),
    ...problem(['network', 'cidr'], overlap('service-cidr', ofCluster['service-cidr'])),
  ]
}

// The libvirt behind a URI, without the way to it.
function placeOf(uri: unknown): string {
  const [, driver = '', host = '', path = ''] =
    /^(\w+)(?:\+\w+)?:\/\/(?:[^@/?]*@)?([^/?]*)([^?]*)/.exec(String(uri)) ?? []
  const socket = /[?&](socket=[^&]*)/.exec(String(uri))?.[1] ?? ''
  return [driver, host.toLowerCase().replace(/:22$/, '') || 'localhost', path, socket].join(' ')
}

function hostProblems(raw: Raw, nodes: Raw[]): Problem[] {
  const hosts = Object.entries(record(raw.hosts))
  const names = hosts.map(([name]) => name)
  const uris = [raw.libvirt ?? 'qemu:///system', ...hosts.map(([, host]) => record(host).libvirt)]
  const places = uris.map(placeOf)
  const isBehindNat = hosts.length > 0 && record(raw.network).nat !== undefined
  return [
    ...problem(
      ['network', 'nat'],
      isBehindNat && 'ends at its host; machines on several hosts need network.bridge',
    ),
    ...hosts.flatMap(([name, host], index) => {
      const { libvirt } = record(host)
      const isTwice = typeof libvirt === 'string' && places.indexOf(placeOf(libvirt)) <= index
      return problem(['hosts', name, 'libvirt'], isTwice && `${String(libvirt)} is named already`)
    }),
    ...nodes.flatMap(({ host }, index) => {
      const isUnknown = typeof host === 'string' && !names.includes(host)
      return problem(['nodes', index, 'host'], isUnknown && `there is no ${host} in hosts`)
    }),
  ]
}

function vipProblem(nodes: Raw[], vip: unknown): string | undefined {
  const index = nodes.findIndex(({ address }) => isAddress(vip) && address === vip)
  return index < 0 ? undefined : `${String(vip)} is already nodes[${index}]; no node may have it`
}

export const nodesOf = (raw: Raw): Raw[] => (Array.isArray(raw.nodes) ? raw.nodes : []).map(record)
const isServer = ({ role }: Raw) => role === 'server'

/** Every broken rule of a raw lab document. */
export function ruleProblems(document: unknown): Problem[] {
  const raw = record(document)
  const nodes = nodesOf(raw)
  const { vip, config } = record(raw.rke2)
  const servers = nodes.filter(isServer).length
  const lacksServer = nodes.length > 0 && servers === 0
  return [
    ...duplicates(nodes, 'name'),
    ...duplicates(nodes, 'address'),
    ...nodes.flatMap(({ address }, index) =>
      problem(['nodes', index, 'address'], addressProblem(raw, address)),
    ),
    ...networkProblems(raw),
    ...hostProblems(raw, nodes),
    ...problem(['rke2', 'vip'], addressProblem(raw, vip) ?? vipProblem(nodes, vip)),
    ...Object.entries(record(config)).flatMap(([key, value]) =>
      problem(['rke2', 'config', key], rke2KeyProblem(key, value, servers)),
    ),
    ...problem(['nodes'], lacksServer && 'at least one node must have role: server'),
  ]
}

/** Warnings about a valid lab file. */
export function ruleWarnings(document: unknown): string[] {
  const raw = record(document)
  const count = nodesOf(raw).filter(isServer).length
  const isEven = count > 0 && count % 2 === 0
  const isFixed = count < 3 && record(raw.rke2).vip !== undefined
  return [
    isEven &&
      `${count} servers: etcd needs an odd number; ${count} tolerate no more failures than ${count - 1}`,
    isFixed && `rke2.vip cannot move: that takes three servers, and this lab has ${count}`,
  ].filter((one) => one !== false)
}
