// PURE. Which keys and values people may set in RKE2's config.yaml: in the lab file, rke2/server.yaml and rke2/agent.yaml.
import { Bare } from '../text/yaml.ts'

const set = 'is set by the scripts'
const refused: [RegExp, string][] = [
  [/^cni$/, `${set}; use rke2.cni in the lab file`],
  [/^node-ip$/, `${set}; use nodes[].address in the lab file`],
  [/^node-name$/, `${set}; use nodes[].name in the lab file`],
  [/^(agent-)?token(-file)?$/, `${set}, or they rely on its default; remove this secret`],
  [
    /^(server|bind-address|data-dir|write-kubeconfig(-name)?|with-node-id)$/,
    `${set}, or they rely on its default; remove it`,
  ],
  [
    /^disable-(agent|apiserver|controller-manager|etcd|scheduler)$/,
    'would leave out what the scripts wait for on every server; remove it',
  ],
  [/^cluster-reset/, 'would reset etcd at every start; see tutorials/27-backup.md'],
]

/** Why a key and its value cannot be used on so many machines; KEY+ appends to KEY (docs.rke2.io/install/configuration). */
export function rke2KeyProblem(key: string, value: unknown, machines = 1): string | undefined {
  const name = key.replace(/\+$/, '')
  const why = refused.find(([keys]) => keys.test(name))?.[1]
  if (why) return why
  if (machines > 1 && /^(advertise-address|node-external-ip|node-\w+-dns)$/.test(name))
    return `is another value on each machine, but would be the same on all ${machines}; remove it`
  if (/^(cluster|service)-(cidr|dns)$/.test(name) && [value].flat().some(isIpv6))
    return 'has an IPv6 network, but nodes have one address, of IPv4 (nodes[].address); docs/limits.md says why'
  if (name === '<<') return 'is a merge key, and the lab file has none; write out the keys'
  if (isTemplate(key)) return 'is a template that was not filled in'
  if (!Array.isArray(value)) return valueProblem(value, 'is')
  return value.map((item) => valueProblem(item, 'holds')).find((problem) => problem)
}

// RKE2 passes each value, or each item of a list, to its own command line as text (k3s, pkg/configfilearg/parser.go).
function valueProblem(value: unknown, verb: 'is' | 'holds'): string | undefined {
  if (isTemplate(value)) return `${verb} a template that was not filled in`
  if (typeof value === 'string' && verb === 'is' && /^(yes|no|on|off)$/i.test(value))
    return `"${value}" is text here; write ${/^(yes|on)$/i.test(value)}`
  if (value === null)
    return `${verb === 'is' ? 'is empty' : 'holds an empty item'} (null); give it a value, or remove it`
  if (Array.isArray(value))
    return `${verb} a list inside a list; RKE2 takes a plain value or a list of them`
  if (typeof value !== 'object' || value instanceof Bare) return undefined
  const what = value instanceof Uint8Array ? 'binary data' : 'a map'
  return `${verb} ${what}; RKE2 takes a plain value or a list of them, such as key=value`
}

const isIpv6 = (one: unknown) => String(one instanceof Bare ? one.text : one).includes(':')

// In YAML an unquoted {{ x }} is a map whose only key is a map.
function isTemplate(value: unknown): boolean {
  if (typeof value === 'string') return /\{\{|\{%|\$\{|<%/.test(value)
  if (typeof value !== 'object' || value === null) return false
  const [key] = value instanceof Map ? value.keys() : Object.keys(value)
  return key instanceof Map || (typeof key === 'string' && key.startsWith('{'))
}
