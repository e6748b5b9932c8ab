// PURE. The state of RKE2 on a node: the scripts that ask for it, and their output as values.
import { LabError } from '../text/errors.ts'
import { parts } from '../text/sections.ts'
import { parseVersion } from './release.ts'

const program = '/var/lib/rancher/rke2/bin/kubectl'
export const kubectl = `${program} --kubeconfig /etc/rancher/rke2/rke2.yaml`

export type Service = 'rke2-server' | 'rke2-agent'
export const serviceOf = ({ role }: { role: 'server' | 'agent' }): Service => `rke2-${role}`

/** The folder for the release's files in a node's home; removing it is the last step of an installation. */
export const artifactsFolder = 'rke2-artifacts'

/** Run as root in the login user's home; prints each part below a line with its name. */
export const stateScript = (service: Service) => `
part() { echo "== $1"; }
part cut-off; test -e ${artifactsFolder} && echo yes
part version; rke2=$(command -v rke2 || command -v /usr/local/bin/rke2) && { "$rke2" --version 2>&1 || echo "exit $?"; }
part service; state=$(systemctl is-active ${service} 2>/dev/null); echo "$state"
part enabled; systemctl is-enabled ${service} 2>/dev/null
part started; started=$(TZ=UTC systemctl show --property ExecMainStartTimestamp --value ${service}) || echo "exit $?"
test "$started" && { started=$(date -d "$started" +%s) || echo "exit $?"; echo "$started"; }
part stale; test "$started" && test "$(stat -c %Y /etc/rancher/rke2/config.yaml)" -gt "$started" && echo yes
part config; test ! -e /etc/rancher/rke2/config.yaml || cat /etc/rancher/rke2/config.yaml || exit; echo
part joined; test -s /etc/rancher/node/password && echo yes
part data; test -d /var/lib/rancher/rke2/server/db/etcd/member && echo yes
part now; date +%s
part gaps
command -v iptables >/dev/null || echo iptables
if test "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y; then command -v apparmor_parser >/dev/null || echo apparmor; fi
part free; df --output=avail --block-size=1 /var/lib | tail -n 1
part nodes; test "$state" = active && test -x ${program} && timeout 20 ${kubectl} get nodes -o json 2>/dev/null
true
`

export interface Rke2State {
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
  /** The node's clock, seconds since 1970. */
  now: number
  /** Packages that RKE2 needs and the node lacks. */
  gaps: string[]
  /** Free bytes under /var/lib. */
  free: number
  /** Kubernetes' nodes, from a server whose API answers. */
  nodes?: KubeNode[]
}

/** Parses the output of `stateScript`. Throws if a program on the node failed that always answers. */
export function parseState(output: string): Rke2State {
  const found = parts(output)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const hasRun = text('joined') === 'yes' || text('data') === 'yes'
  const isCutOff = text('cut-off') === 'yes' && !hasRun // the program may be installed without the service
  const version = isCutOff ? undefined : installedVersion(text('version'))
  const seconds = (name: string) =>
    /^\d+$/.test(text(name)) ? Number(text(name)) : unanswered(`time "${name}"`, text(name))
  const nodes = parseKubeNodes(text('nodes'))
  return {
    ...(version ? { version } : {}),
    ...(nodes ? { nodes } : {}),
    service: text('service') || unanswered('state of the service', ''),
    enabled: text('enabled') === 'enabled',
    started: text('started') ? seconds('started') : NaN,
    config: (found.get('config') ?? '').replace(/\n$/, ''), // its last line may have no end
    stale: text('stale') === 'yes',
    hasRun,
    now: seconds('now'),
    gaps: text('gaps').split('\n').filter(Boolean),
    free: Number(text('free')),
  }
}

/** The version in the output of `rke2 --version`; undefined if there is no such program. Throws if it failed. */
export function installedVersion(said: string): string | undefined {
  return said.trim() ? (parseVersion(said) ?? unanswered('version of RKE2', said)) : undefined
}

function unanswered(what: string, said: string): never {
  throw new LabError(`the node does not tell the ${what}`, {
    details: (said.trim() || 'nothing was printed').split('\n'),
    hint: '# run this again; if it stays, look at the node over SSH',
  })
}

/** The state of a node before an installation. */
export const untouched: Rke2State = parseState('== service\ninactive\n== now\n0')

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

/** For root's sh on a node: when the service that is active was started, as Kubernetes writes times; fails if it is not. */
export const startScript = (service: Service) => `\
systemctl is-active --quiet ${service} &&
  date -u -d "$(TZ=UTC systemctl show --property ExecMainStartTimestamp --value ${service})" +%FT%TZ`

/** For root's sh on a server: "STATUS HEARTBEAT" of a node's condition Ready; nothing if there is no such node. */
export const readyScript = (name: string) =>
  `${kubectl} get node ${name} --ignore-not-found --output 'jsonpath=${readyPath}'`
const readyPath =
  '{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{end}'

/** Appended to what status runs on a node as the login user: RKE2's version and service, and on a server the nodes. */
export const statusScript = (service: Service) =>
  `; echo '== version'; test ! -x /usr/local/bin/rke2 || /usr/local/bin/rke2 --version 2>&1 || echo "exit $?"; echo '== service'; systemctl is-active ${service}` +
  (service === 'rke2-server'
    ? `; echo '== nodes'; test -x ${program} && sudo timeout 10 ${kubectl} get nodes -o json 2>/dev/null; true`
    : '; true')
