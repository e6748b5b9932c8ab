// PURE. The state of RKE2 on a node: the scripts that ask for it, and their output as values.
import { parts } from '../text/sections.ts'
import { factsScript, parseFacts, type NodeFacts } from './facts.ts'
import { parseVersion } from './release.ts'

const program = '/var/lib/rancher/rke2/bin/kubectl'
export const kubectl = `${program} --kubeconfig /etc/rancher/rke2/rke2.yaml`

export type Service = 'rke2-server' | 'rke2-agent'
export const serviceOf = ({ role }: { role: 'server' | 'agent' }): Service => `rke2-${role}`

/** The folder for the release's files in a node's home; removing it is the last step of an installation. */
export const artifactsFolder = 'rke2-artifacts'

/** Run as root in the login user's home; prints each part below a line with its name, and no secret. */
export const stateScript = (service: Service) => `
part() { echo "== $1"; }
part cut-off; test -e ${artifactsFolder} && echo yes
part version; rke2 --version 2>/dev/null || /usr/local/bin/rke2 --version 2>/dev/null
part service; state=$(systemctl is-active ${service} 2>/dev/null); echo "$state"
part enabled; systemctl is-enabled ${service} 2>/dev/null
part started; started=$(TZ=UTC systemctl show --property ExecMainStartTimestamp --value ${service})
test "$started" && started=$(date -d "$started" +%s) && echo "$started"
part stale; test "$started" && test "$(stat -c %Y /etc/rancher/rke2/config.yaml)" -gt "$started" && echo yes
part config; cat /etc/rancher/rke2/config.yaml 2>/dev/null; echo
part joined; test -s /etc/rancher/node/password && echo yes
part data; test -d /var/lib/rancher/rke2/server/db/etcd/member && echo yes
${factsScript}
part nodes; test "$state" = active && test -x ${program} && timeout 20 ${kubectl} get nodes -o json 2>/dev/null
true
`

export interface Rke2State extends NodeFacts {
  /** Undefined if it is not installed, or only partly. */
  version?: string
  /** From systemctl is-active: active, activating, inactive, failed. */
  service: string
  enabled: boolean
  /** When the service was started, in seconds of the node's clock; NaN if it never was. */
  started: number
  config: string
  /** config.yaml is newer than the service's start. */
  stale: boolean
  /** RKE2 has run here as a node of a cluster. */
  hasRun: boolean
  /** Kubernetes' nodes, from a server whose API answers. */
  nodes?: KubeNode[]
}

/** Parses the output of `stateScript`. */
export function parseState(output: string): Rke2State {
  const found = parts(output)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const hasRun = text('joined') === 'yes' || text('data') === 'yes'
  const isCutOff = text('cut-off') === 'yes' && !hasRun // the program may be installed without the service
  const version = isCutOff ? undefined : parseVersion(text('version'))
  const nodes = parseKubeNodes(text('nodes'))
  return {
    ...parseFacts(found),
    ...(version ? { version } : {}),
    ...(nodes ? { nodes } : {}),
    service: text('service') || 'inactive',
    enabled: text('enabled') === 'enabled',
    started: Number(text('started') || NaN),
    config: (found.get('config') ?? '').replace(/\n$/, ''), // its last line may have no end
    stale: text('stale') === 'yes',
    hasRun,
  }
}

/** The state of a node before an installation. */
export const untouched: Rke2State = parseState('')

export interface KubeNode {
  name: string
  ready: boolean
  /** When the kubelet last reported, by its own clock; empty if it never did. */
  heartbeat: string
  roles: string[]
  version: string
}

/** Whether the heartbeat is older than the service's start (seconds of the same clock), so of an earlier process. */
export const isBefore = (heartbeat: string, started: number) =>
  Date.parse(heartbeat) < started * 1000

/** Whether the service runs, and its Kubernetes node has been reported Ready since the start. */
export const isReady = (
  { service, started }: Pick<Rke2State, 'service' | 'started'>,
  kube: KubeNode | undefined,
): boolean => service === 'active' && kube?.ready === true && !isBefore(kube.heartbeat, started)

/** The nodes in the output of `kubectl get nodes -o json`; undefined if it is not JSON. */
export function parseKubeNodes(json: string): KubeNode[] | undefined {
  interface Item {
    metadata?: { name?: string; labels?: Record<string, string> }
    status?: {
      conditions?: { type?: string; status?: string; lastHeartbeatTime?: string }[]
      nodeInfo?: { kubeletVersion?: string }
    }
  }
  let items: Item[]
  try {
    items = (JSON.parse(json) as { items?: Item[] }).items ?? []
  } catch {
    return undefined
  }
  const rolePrefix = 'node-role.kubernetes.io/'
  return items.map(({ metadata, status }) => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')
    return {
      name: metadata?.name ?? '',
      ready: ready?.status === 'True',
      heartbeat: ready?.lastHeartbeatTime ?? '',
      roles: Object.keys(metadata?.labels ?? {})
        .filter((label) => label.startsWith(rolePrefix))
        .map((label) => label.slice(rolePrefix.length))
        .sort(),
      version: status?.nodeInfo?.kubeletVersion ?? '',
    }
  })
}

/** Run as root during the wait for a node: its service, its logs since then, and on a server the nodes. */
export const watchScript = (service: Service, since: number) => `
echo "== service"; systemctl is-active ${service}
echo "== started"; date -d "$(TZ=UTC systemctl show --property ExecMainStartTimestamp --value ${service})" +%s
echo "== journal"; journalctl --unit ${service} --since @${since} --output cat --no-pager 2>/dev/null | grep level= | cut -c -600 | tail -n 400
echo "== containerd"; tail -n 40 /var/lib/rancher/rke2/agent/containerd/containerd.log 2>/dev/null
echo "== nodes"; test -x ${program} && timeout 20 ${kubectl} get nodes -o json 2>/dev/null
true
`

/** Appended to what status runs on a node as the login user: RKE2's version and service, and on a server the nodes. */
export const statusScript = (service: Service) =>
  `; echo '== version'; /usr/local/bin/rke2 --version 2>/dev/null; echo '== service'; systemctl is-active ${service}` +
  (service === 'rke2-server'
    ? `; echo '== nodes'; test -x ${program} && sudo timeout 10 ${kubectl} get nodes -o json 2>/dev/null; true`
    : '; true')
