// PURE. Which keys and values people may set in RKE2's config.yaml: in the lab file, rke2/server.yaml and rke2/agent.yaml.
import { Bare } from '../text/yaml.ts'

// Keys that the scripts set or rely on, with the key of the lab file to use instead.
const ownedKeys = new Map<string, string | undefined>([
  ['cni', 'rke2.cni'],
  ['node-ip', 'nodes[].address'],
  ['node-name', 'nodes[].name'],
  ['server', undefined],
  ['token', undefined],
  ['token-file', undefined],
  ['agent-token', undefined],
  ['agent-token-file', undefined],
  ['data-dir', undefined],
  ['write-kubeconfig', undefined],
  ['with-node-id', undefined],
])

/** Why a key and its value cannot be used; KEY+ appends to KEY (docs.rke2.io/install/configuration). */
export function rke2KeyProblem(key: string, value: unknown): string | undefined {
  const name = key.replace(/\+$/, '')
  const instead = ownedKeys.get(name)
  if (instead) return `is set by the scripts; use ${instead} in the lab file`
  if (ownedKeys.has(name))
    return `is set by the scripts, or they rely on its default; remove ${name.includes('token') ? 'this secret' : 'it'}`
  if (name === '<<') return 'is a merge key, and the lab file has none; write out the keys'
  if (isTemplate(key)) return 'is a template that was not filled in'
  if (!Array.isArray(value)) return valueProblem(value, 'is')
  return value.map((item) => valueProblem(item, 'holds')).find((problem) => problem)
}

// RKE2 passes each value, or each item of a list, to its own command line as text (k3s, pkg/configfilearg/parser.go).
function valueProblem(value: unknown, verb: 'is' | 'holds'): string | undefined {
  if (isTemplate(value)) return `${verb} a template that was not filled in`
  if (value === null)
    return `${verb === 'is' ? 'is empty' : 'holds an empty item'} (null); give it a value, or remove it`
  if (Array.isArray(value))
    return `${verb} a list inside a list; RKE2 takes a plain value or a list of them`
  if (typeof value !== 'object' || value instanceof Bare) return undefined
  const what = value instanceof Uint8Array ? 'binary data' : 'a map'
  return `${verb} ${what}; RKE2 takes a plain value or a list of them, such as key=value`
}

// In YAML an unquoted {{ x }} is a map whose only key is a map.
function isTemplate(value: unknown): boolean {
  if (typeof value === 'string') return /\{\{|\{%|\$\{|<%/.test(value)
  if (typeof value !== 'object' || value === null) return false
  const [key] = value instanceof Map ? value.keys() : Object.keys(value)
  return key instanceof Map || (typeof key === 'string' && key.startsWith('{'))
}
