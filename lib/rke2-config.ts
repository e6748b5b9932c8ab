// PURE. What stands in /etc/rancher/rke2/config.yaml of each node.
import { parseDocument, stringify } from 'yaml'
import { UsageError } from './errors.ts'
import type { Lab, Node } from './lab.ts'
import { asList } from './list.ts'

type Config = Record<string, unknown>

/** Where the joiners' token lies on the node: root only, in no configuration text. */
export const tokenFile = '/etc/rancher/rke2/token'

// Keys of rke2.config that agents know too; the others would only be warned about there.
const agentKeys = [
  'debug',
  'kubelet-arg',
  'private-registry',
  'profile',
  'protect-kernel-defaults',
  'resolv-conf',
  'selinux',
  'snapshotter',
]

/** Reads a configuration that people edit (rke2/server.yaml, rke2/agent.yaml). */
export function parseRke2Config(text: string, file: string): Config {
  const document = parseDocument(text)
  const config: unknown = document.errors.length === 0 ? (document.toJS() ?? {}) : undefined
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new UsageError(`${file} is not a YAML mapping of RKE2 keys`, {
      details: document.errors.map(({ message }) => message),
    })
  const tokens = Object.keys(config).filter((key) => /^(agent-)?token(-file)?$/.test(key))
  if (tokens.length > 0)
    throw new UsageError(
      `${file}: ${tokens.join(', ')} is a secret of the cluster and set by the scripts; remove it`,
    )
  return config as Config
}

/** The server that the others join: where it is reached. */
export const joinUrl = (server: Node) => `https://${server.address}:9345`

/** The server of this lab that a node's present config.yaml joins; it stays that one whoever leads now. */
export function joinedServer(lab: Lab, node: Node, config: string): Node | undefined {
  return lab.nodes.find(
    (other) =>
      other.name !== node.name &&
      other.role === 'server' &&
      config.includes(`\nserver: ${joinUrl(other)}\n`),
  )
}

/** config.yaml of a node; `joins` is the server it joins, undefined for the first one. */
export function rke2Config(lab: Lab, node: Node, edited: Config, joins?: Node): string {
  const own = { 'node-name': node.name, 'node-ip': node.address }
  const join = joins ? { server: joinUrl(joins), 'token-file': tokenFile } : {}
  if (node.role === 'agent') {
    const shared = Object.entries(lab.rke2.config).filter(([key]) => agentKeys.includes(key))
    return toYaml({ ...edited, ...Object.fromEntries(shared), ...own, ...join })
  }
  const config: Config = { 'write-kubeconfig-mode': '0600', ...edited, ...lab.rke2.config }
  const names = [node.name, node.address, ...(lab.rke2.vip ? [lab.rke2.vip] : [])]
  const sans = [...names, ...asList(edited['tls-san']), ...asList(lab.rke2.config['tls-san'])]
  return toYaml({ ...config, ...own, 'tls-san': [...new Set(sans)], cni: lab.rke2.cni, ...join })
}

// RKE2 reads YAML 1.1, in which a bare 0600 is an octal number.
const toYaml = (config: Config) => stringify(config, { version: '1.1', lineWidth: 0 })
