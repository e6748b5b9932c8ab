// PURE. What stands in /etc/rancher/rke2/config.yaml of each node.
import { parseDocument, stringify } from 'yaml'
import { UsageError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { isOwnedRke2Key } from '../lab/rules.ts'
import { asList } from '../text/yaml.ts'

type Config = Record<string, unknown>

/** Where the joiners' token lies on the node: root only, in no configuration text. */
export const tokenFile = '/etc/rancher/rke2/token'

// Keys of rke2.config that agents know too; the others would only be warned about there. As in
// https://docs.rke2.io/reference/linux_agent_config and RKE2's pkg/cli/cmds/agent.go, without what names one machine
// (node-external-ip and the like), what is for servers only, and node-taint: a taint that keeps pods off the servers
// must not keep them off the agents (theirs go into rke2/agent.yaml).
const agentKeys = `
  debug bind-address enable-pprof lb-server-port profile
  node-label kubelet-arg kubelet-path resolv-conf protect-kernel-defaults
  image-credential-provider-bin-dir image-credential-provider-config
  container-runtime-endpoint default-runtime snapshotter nonroot-devices selinux pause-image runtime-image
  private-registry disable-default-registry-endpoint airgap-extra-registry
  kube-proxy-arg kube-proxy-image kube-proxy-extra-mount kube-proxy-extra-env
  cloud-provider-name cloud-provider-config`
  .trim()
  .split(/\s+/)

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
  const owned = Object.keys(config).filter(isOwnedRke2Key)
  if (owned.length > 0)
    throw new UsageError(
      `${file}: ${owned.join(', ')} is set by the scripts, or they rely on its default; remove it`,
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

// A key that ends with + adds to what an earlier file says.
const isForAgents = (key: string) => agentKeys.includes(key.replace(/\+$/, ''))

/** config.yaml of a node; `joins` is the server it joins, undefined for the first one. */
export function rke2Config(lab: Lab, node: Node, edited: Config, joins?: Node): string {
  const own = { 'node-name': node.name, 'node-ip': node.address }
  const join = joins ? { server: joinUrl(joins), 'token-file': tokenFile } : {}
  if (node.role === 'agent') {
    const shared = Object.entries(lab.rke2.config).filter(([key]) => isForAgents(key))
    return toYaml({ ...edited, ...Object.fromEntries(shared), ...own, ...join })
  }
  const config: Config = { 'write-kubeconfig-mode': '0600', ...edited, ...lab.rke2.config }
  const names = [node.name, node.address, ...(lab.rke2.vip ? [lab.rke2.vip] : [])]
  const sans = [...names, ...asList(edited['tls-san']), ...asList(lab.rke2.config['tls-san'])]
  return toYaml({ ...config, ...own, 'tls-san': [...new Set(sans)], cni: lab.rke2.cni, ...join })
}

// RKE2 reads YAML 1.1, in which a bare 0600 is an octal number.
const toYaml = (config: Config) => stringify(config, { version: '1.1', lineWidth: 0 })
