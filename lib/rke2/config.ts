// PURE. What stands in /etc/rancher/rke2/config.yaml of each node.
import type { Lab, Node } from '../lab/lab.ts'
import { rke2KeyProblem } from '../lab/rke2-keys.ts'
import { asList, readMapping, refuse, toYaml } from '../text/yaml.ts'

/** Keys and values of a configuration of RKE2. */
export type Config = Record<string, unknown>

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

/** Reads a configuration that people edit (rke2/server.yaml, rke2/agent.yaml); refuses what RKE2 would not get from it. */
export function parseRke2Config(text: string, file: string): Config {
  const entries = readMapping(text, file, 'RKE2 keys')
  const problems = entries.flatMap(({ key, value, line }) => {
    const problem = rke2KeyProblem(key, value)
    return problem ? [`line ${line}, ${key}: ${problem}`] : []
  })
  refuse(file, problems)
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
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
  const both: Config = { 'write-kubeconfig-mode': '0600', ...edited, ...lab.rke2.config }
  const { 'tls-san': _, 'tls-san+': __, ...config } = both
  const names = [node.name, node.address, ...(lab.rke2.vip ? [lab.rke2.vip] : [])]
  const sans = [names, sansOf(edited), sansOf(lab.rke2.config)].flat()
  return toYaml({ ...config, ...own, 'tls-san': [...new Set(sans)], cni: lab.rke2.cni, ...join })
}

// Both spellings: the list with the names of the node is one more, and a KEY+ before its KEY would be lost.
const sansOf = (config: Config) => [config['tls-san'], config['tls-san+']].flatMap(asList)
