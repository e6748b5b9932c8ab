// PURE. How RKE2 stands on a node: the script that asks there, and its answer as values.
import { parts } from '../text/sections.ts'
import { parseVersion } from './release.ts'

export const kubectl = '/var/lib/rancher/rke2/bin/kubectl --kubeconfig /etc/rancher/rke2/rke2.yaml'

export type Service = 'rke2-server' | 'rke2-agent'
export const serviceOf = ({ role }: { role: 'server' | 'agent' }): Service => `rke2-${role}`

/** Folder in a node's home that holds the release's files while they are installed; removed as the last step of that. */
export const artifactsFolder = 'rke2-artifacts'

/** Run as root in the login user's home on the node; prints each part behind a line with its name. Holds no secret. */
export const stateScript = (service: Service) => `
part() { echo "== $1"; }
part cut-off; test -e ${artifactsFolder} && echo yes
part version; rke2 --version 2>/dev/null || /usr/local/bin/rke2 --version 2>/dev/null
part service; state=$(systemctl is-active ${service} 2>/dev/null); echo "$state"
part enabled; systemctl is-enabled ${service} 2>/dev/null
part started; started=$(TZ=UTC systemctl show --property ExecMainStartTimestamp --value ${service})
test "$started" && started=$(date -d "$started" +%s) && echo "$started"
part stale; test "$started" && test "$(stat -c %Y /etc/rancher/rke2/config.yaml)" -gt "$started" && echo yes
part config; cat /etc/rancher/rke2/config.yaml 2>/dev/null
part joined; test -s /etc/rancher/node/password && echo yes
part data; test -d /var/lib/rancher/rke2/server/db/etcd/member && echo yes
part now; date +%s
part gaps
command -v iptables >/dev/null || echo iptables
if test "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y; then command -v apparmor_parser >/dev/null || echo apparmor; fi
part free; df --output=avail --block-size=1 /var/lib | tail -n 1
part nodes; test "$state" = active && test -x ${kubectl.split(' ')[0]} && timeout 20 ${kubectl} get nodes -o json 2>/dev/null
true
`

export interface Rke2State {
  /** Undefined when it is not installed, or not wholly. */
  version?: string
  /** As systemctl is-active says: active, activating, inactive, failed. */
  service: string
  enabled: boolean
  /** When the service was started, seconds by the node's clock; NaN when it never was. */
  started: number
  config: string
  /** config.yaml was written after the service was started. */
  stale: boolean
  /** RKE2 has run here as a node of some cluster. */
  hasRun: boolean
  /** The node's clock, seconds since 1970. */
  now: number
  /** Packages that RKE2 needs and the node has not. */
  gaps: string[]
  /** Free bytes under /var/lib. */
  free: number
  /** Kubernetes' nodes as a server whose API answers reports them. */
  nodes?: KubeNode[]
}

/** What `stateScript` printed. */
export function parseState(output: string): Rke2State {
  const found = parts(output)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const hasRun = text('joined') === 'yes' || text('data') === 'yes'
  const isCutOff = text('cut-off') === 'yes' && !hasRun // its program may be there, without the service
  const version = isCutOff ? undefined : parseVersion(text('version'))
  const nodes = parseKubeNodes(text('nodes'))
  return {
    ...(version ? { version } : {}),
    ...(nodes ? { nodes } : {}),
    service: text('service') || 'inactive',
    enabled: text('enabled') === 'enabled',
    started: Number(text('started') || NaN),
    config: found.get('config') ?? '',
    stale: text('stale') === 'yes',
    hasRun,
    now: Number(text('now')),
    gaps: text('gaps').split('\n').filter(Boolean),
    free: Number(text('free')),
  }
}

/** What a node has before anything was done to it. */
export const untouched: Rke2State = parseState('')

export interface KubeNode {
  name: string
  ready: boolean
  /** When the kubelet last reported, by its own clock; empty when it did not. */
  heartbeat: string
  roles: string[]
  version: string
}

/** Whether the kubelet said this before the service was started (seconds, by the same clock): of the process before, then. */
export const isBefore = (heartbeat: string, started: number) =>
  Date.parse(heartbeat) < started * 1000

/** Whether the service runs and its Kubernetes node is Ready since it was started. */
export const isReady = (
  { service, started }: Pick<Rke2State, 'service' | 'started'>,
  kube: KubeNode | undefined,
): boolean => service === 'active' && kube?.ready === true && !isBefore(kube.heartbeat, started)

/** The nodes in `kubectl get nodes -o json`; undefined when it is no such text. */
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

/** Run as root while a node is waited for: its service, what it logged since then, and on a server the nodes. */
export const watchScript = (service: Service, since: number) => `
echo "== service"; systemctl is-active ${service}
echo "== started"; date -d "$(TZ=UTC systemctl show --property ExecMainStartTimestamp --value ${service})" +%s
echo "== journal"; journalctl --unit ${service} --since @${since} --lines 60 --output cat --no-pager 2>/dev/null
echo "== containerd"; since=$(date -u -d @${since} +%FT%T)
awk -v since="$since" 'match($0, /time="[^"]*"/) && substr($0, RSTART + 6, 19) >= since' /var/lib/rancher/rke2/agent/containerd/containerd.log 2>/dev/null | tail -n 20
echo "== nodes"; test -x ${kubectl.split(' ')[0]} && timeout 20 ${kubectl} get nodes -o json 2>/dev/null
true
`

/** Added to what status asks a node (as the login user): RKE2's version and service, on a server the nodes. */
export const statusScript = (service: Service) =>
  `; echo '== version'; /usr/local/bin/rke2 --version 2>/dev/null; echo '== service'; systemctl is-active ${service}` +
  (service === 'rke2-server'
    ? `; echo '== nodes'; test -x ${kubectl.split(' ')[0]} && sudo timeout 10 ${kubectl} get nodes -o json 2>/dev/null; true`
    : '; true')
