// PURE. The content of /etc/rancher/rke2/config.yaml on each node.
import type { Lab, Node } from '../lab/lab.ts'
import { rke2KeyProblem } from '../lab/rke2-keys.ts'
import { asList, readMapping, refuse, toYaml } from '../text/yaml.ts'

/** Keys and values of RKE2's configuration. */
export type Config = Record<string, unknown>

/** The token's file on a node that joins: for root only, so that no configuration contains the token. */
export const tokenFile = '/etc/rancher/rke2/token'

// Keys of rke2.config that agents support too; RKE2 would warn about the others. From
// https://docs.rke2.io/reference/linux_agent_config and RKE2's pkg/cli/cmds/agent.go, except keys that differ per
// machine (such as node-external-ip) and node-taint: a taint that keeps pods off the servers must not keep them off the
// agents (taints of agents go into rke2/agent.yaml).
const agentKeys = `
  debug enable-pprof lb-server-port profile
  node-label kubelet-arg kubelet-path resolv-conf protect-kernel-defaults
  image-credential-provider-bin-dir image-credential-provider-config
  container-runtime-endpoint default-runtime snapshotter nonroot-devices selinux pause-image runtime-image
  private-registry disable-default-registry-endpoint airgap-extra-registry
  kube-proxy-arg kube-proxy-image kube-proxy-extra-mount kube-proxy-extra-env
  cloud-provider-name cloud-provider-config`
  .trim()
  .split(/\s+/)

/** Reads rke2/server.yaml or rke2/agent.yaml, which is for so many machines; rejects what RKE2 cannot take. */
export function parseRke2Config(text: string, file: string, machines = 1): Config {
  const entries = readMapping(text, file, 'RKE2 keys')
  const problems = entries.flatMap(({ key, value, line }) => {
    const problem = rke2KeyProblem(key, value, machines)
    return problem ? [`line ${line}, ${key}: ${problem}`] : []
  })
  refuse(file, problems)
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
}

/** The address at which other nodes join a server. */
export const joinUrl = (server: Pick<Node, 'address'>) => `https://${server.address}:9345`

/** The lab without the address that servers share. */
export function withoutVip(lab: Lab): Lab {
  const { vip: _, ...rke2 } = lab.rke2
  return { ...lab, rke2 }
}

/** The address of the cluster: the one that servers share, else that of this server. */
export const clusterAddress = ({ rke2 }: Lab, server: Node) => rke2.vip ?? server.address

/** The server of this lab that a node's current config.yaml joins; any other one where it joins the shared address. */
export function joinedServer(lab: Lab, node: Node, config: string): Node | undefined {
  const joins = (address: string) => config.includes(`\nserver: ${joinUrl({ address })}\n`)
  return lab.nodes.find(
    (other) =>
      other.name !== node.name &&
      other.role === 'server' &&
      (joins(other.address) || joins(clusterAddress(lab, other))),
  )
}

// KEY+ appends to KEY of an earlier file.
const isForAgents = (key: string) => agentKeys.includes(key.replace(/\+$/, ''))

/** config.yaml of a node; `joins` is the server that it joins, undefined for the first server. */
export const rke2Config = (...what: Parameters<typeof rke2Entries>): string =>
  toYaml(rke2Entries(...what))

/** Its keys and values. */
export function rke2Entries(lab: Lab, node: Node, edited: Config, joins?: Node): Config {
  const own = { 'node-name': node.name, 'node-ip': node.address }
  const entry = joins && { address: clusterAddress(lab, joins) }
  const join = entry ? { server: joinUrl(entry), 'token-file': tokenFile } : {}
  if (node.role === 'agent') {
    const shared = Object.entries(lab.rke2.config).filter(([key]) => isForAgents(key))
    return { ...edited, ...Object.fromEntries(shared), ...own, ...join }
  }
  const both: Config = { 'write-kubeconfig-mode': '0600', ...edited, ...lab.rke2.config }
  const { 'tls-san': _, 'tls-san+': __, ...config } = both
  const names = [node.name, node.address, ...(lab.rke2.vip ? [lab.rke2.vip] : [])]
  const sans = [names, sansOf(edited), sansOf(lab.rke2.config)].flat()
  return { ...config, ...own, 'tls-san': [...new Set(sans)], cni: lab.rke2.cni, ...join }
}

// Both keys are merged into one list: RKE2 would drop a KEY+ that comes before its KEY.
const sansOf = (config: Config) => [config['tls-san'], config['tls-san+']].flatMap(asList)

/** The ingress controllers of the cluster: as configured, else those that were found in it. */
export function ingressOf(lab: Lab, edited: Config, found: string[] = []): string[] {
  const key = 'ingress-controller'
  const named = asList(lab.rke2.config[key] ?? edited[key] ?? found)
  return named.flatMap((names) => String(names).split(',')).filter((name) => name !== 'none')
}

/** What RKE2 is configured to leave out: the lab file's keys win. */
export const disabledBy = (edited: Config, ofLab: Config): string[] =>
  Object.entries({ ...edited, ...ofLab })
    .filter(([key]) => key === 'disable' || key === 'disable+')
    .flatMap(([, names]) => asList(names).flatMap((one) => String(one).split(',')))
