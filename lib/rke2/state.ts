// PURE. The state of RKE2 on a node: the scripts that ask for it, and their output as values.
import { LabError } from '../text/errors.ts'
import { quote } from '../text/quote.ts'
import { parts } from '../text/sections.ts'
import { factsScript, parseFacts, type NodeFacts } from './facts.ts'
import {
  kubectl,
  parseKubeNodes,
  program,
  tolerance,
  type KubeNode,
  type Times,
} from './kube-nodes.ts'
import { manifestsScript, parseManifests, type ServerManifests } from './manifests.ts'
import { addonsScript } from './addons.ts'
import { environmentFile } from './proxy.ts'
import { parseVersion } from './release.ts'
import { registriesOnNode } from './registries.ts'
import { imagesFolder, importMemory, remainsScript } from './remains.ts'

export type Service = 'rke2-server' | 'rke2-agent'
export const serviceOf = ({ role }: { role: 'server' | 'agent' }): Service => `rke2-${role}`

/** The folder for the release's files in a node's home; removing it is the last step of an installation. */
export const artifactsFolder = 'rke2-artifacts'

// RKE2 empties the chart of an ingress controller that the cluster does not use (rancher/rke2: pkg/bootstrap/bootstrap.go).
const charts = ['ingress-nginx', 'traefik']
  .map((name) => `/var/lib/rancher/rke2/server/manifests/rke2-${name}.yaml`)
  .join(' ')
// The start in microseconds of the machine's uptime, this uptime, and the clock: whether it was set since does not matter.
const startScript = (service: Service) =>
  `echo '== start'; systemctl show --property ExecMainStartTimestampMonotonic --value ${service}; cat /proc/uptime; date +%s.%N`

/** The answer to `startScript`; undefined if it is not whole. */
export function parseTimes(answer: string | undefined): Times | undefined {
  const [start, uptime, now] = (answer ?? '').trim().split('\n').map(parseFloat)
  if (start === undefined || uptime === undefined || now === undefined) return undefined
  if ([start, uptime, now].some(Number.isNaN)) return undefined
  return { started: start > 0 ? now - (uptime - start / 1e6) : NaN, now }
}

/** Run as root in the login user's home; prints each part below a line with its name. */
export const stateScript = (service: Service) => `
part() { echo "== $1"; }
part cut-off; test -e ${artifactsFolder} && echo yes
part version; rke2=$(command -v rke2 || command -v /usr/local/bin/rke2) && { "$rke2" --version 2>&1 || echo "exit $?"; }
part service; state=$(systemctl is-active ${service} 2>/dev/null); echo "$state"
part enabled; systemctl is-enabled ${service} 2>/dev/null
${startScript(service)}
part stale; started=$(TZ=UTC systemctl show --property ExecMainStartTimestamp --value ${service})
for file in /etc/rancher/rke2/config.yaml ${registriesOnNode}; do test "$started" && test "$(stat -c %Y "$file" 2>/dev/null || echo 0)" -gt "$(date -d "$started" +%s)" && echo yes; done
part registries; test ! -e ${registriesOnNode} || sha256sum <${registriesOnNode} || exit
part outdated; test "$started" && test "$rke2" && test "$(stat -c %Z "$rke2")" -gt "$(date -d "$started" +%s)" && echo yes
part config; test ! -e /etc/rancher/rke2/config.yaml || cat /etc/rancher/rke2/config.yaml || exit; echo
part environment; test ! -e ${environmentFile(service)} || cat ${environmentFile(service)} || exit
part unread; test "$started" && test "$(stat -c %Y ${environmentFile(service)} || echo 0)" -gt "$(date -d "$started" +%s)" && echo yes
part joined; test -s /etc/rancher/node/password && echo yes
part data; test -d /var/lib/rancher/rke2/server/db/etcd/member && echo yes
${service === 'rke2-server' ? manifestsScript : ''}
part ingress; grep -sl HelmChart ${charts}
part forgets; test -e ${importMemory} || ls ${imagesFolder} 2>/dev/null | grep -m 1 '\\.tar'
${factsScript}
part nodes; test "$state" = active && test -x ${program} && timeout 20 ${kubectl} get nodes -o json 2>/dev/null
true
`

export interface Rke2State extends NodeFacts, Times {
  /** Undefined if it is not installed, or only partly. */
  version?: string
  /** From systemctl is-active: active, activating, inactive, failed. */
  service: string
  enabled: boolean
  config: string
  /** config.yaml or registries.yaml is newer than the service's start. */
  stale: boolean
  /** The SHA-256 of its registries.yaml; empty if it has none. */
  registries: string
  /** Of a server: the files in its folder of manifests. */
  manifests: ServerManifests
  /** The file with its proxies, and whether that is newer than the service's start. */
  environment: string
  unread: boolean
  /** The files of an installation are still there: it is unfinished. */
  cutOff: boolean
  /** The program is newer than the service's start. */
  outdated: boolean
  /** RKE2 has run here as a node of a cluster. */
  hasRun: boolean
  /** The ingress controllers that a server brings into the cluster. */
  ingress: string[]
  /** Archives of images are there, and RKE2 imports them at every start. */
  importsAgain: boolean
  /** Kubernetes' nodes, from a server whose API answers. */
  nodes?: KubeNode[]
}

/** Parses the output of `stateScript`. Throws if a program on the node failed that always answers. */
export function parseState(output: string): Rke2State {
  const found = parts(output)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const hasRun = text('joined') === 'yes' || text('data') === 'yes'
  const cutOff = text('cut-off') === 'yes'
  // without a service the program may be all that is installed
  const version = cutOff && !hasRun ? undefined : installedVersion(text('version'))
  const nodes = parseKubeNodes(text('nodes'))
  return {
    ...parseFacts(found),
    ...(version ? { version } : {}),
    ...(nodes ? { nodes } : {}),
    service: text('service') || unanswered('state of the service', ''),
    enabled: text('enabled') === 'enabled',
    ...(parseTimes(found.get('start')) ?? unanswered('time', text('start'))),
    config: (found.get('config') ?? '').replace(/\n$/, ''), // its last line may have no end
    stale: text('stale') !== '',
    registries: text('registries').slice(0, 64).trim(),
    manifests: parseManifests(found),
    environment: text('environment'),
    unread: text('unread') === 'yes',
    cutOff,
    outdated: text('outdated') === 'yes',
    hasRun,
    ingress: [...text('ingress').matchAll(/rke2-([\w-]+)\.yaml$/gm)].map(([, name = '']) => name),
    importsAgain: text('forgets') !== '',
  }
}

/** The version in the output of `rke2 --version`; undefined if there is no such program. Throws if it failed. */
function installedVersion(said: string): string | undefined {
  return said.trim() ? (parseVersion(said) ?? unanswered('version of RKE2', said)) : undefined
}

function unanswered(what: string, said: string): never {
  throw new LabError(`the node does not tell the ${what}`, {
    details: (said.trim() || 'nothing was printed').split('\n'),
    hint: '# run this again; if it stays, look at the node over SSH',
  })
}

/** The state of a node before an installation. */
export const untouched: Rke2State = parseState('== service\ninactive\n== start\n0\n0\n0')

const unit = 'ActiveState,Job,InvocationID,NRestarts,Result,ExecMainStatus'

// A start that has said nothing yet may end before the next look: from here on everything counts.
const readStart = `\
test "$id" && {
  end=$(journalctl --lines 0 --show-cursor --quiet --no-pager 2>/dev/null)
  read_journal "_SYSTEMD_INVOCATION_ID=$id" | grep . || echo "$end"
}`

/** Run as root during the wait for a node: its service, its logs, and on a server the nodes. The journal is that of this start
 *  of the service, and then what came after `cursor`; `asksVersion`: also the version of a server's API; systemd's own remarks are
 *  left out. A service that is being stopped tells nothing about the start that follows. */
export const watchScript = (service: Service, cursor?: string, asksVersion = false) => `
unit=$(systemctl show --property ${unit} ${service})
echo "== unit"; echo "$unit"
${startScript(service)}
echo "== journal"
id=$(echo "$unit" | sed -n 's/^InvocationID=//p')
read_journal() { journalctl _SYSTEMD_UNIT=${service}.service "$@" --show-cursor --quiet --output cat --no-pager 2>/dev/null | grep -v '^{' | cut -c -1500 | tail -n 3000; }
${
  cursor
    ? `read_journal --after-cursor ${quote(cursor)}`
    : `case $unit in *ActiveState=activ*) ${readStart};; esac`
}
echo "== containerd"; tail -n 200 /var/lib/rancher/rke2/agent/containerd/containerd.log 2>/dev/null | cut -c -600
echo "== etcd"; tail -n 20 "$(ls -t /var/log/pods/kube-system_etcd-*/etcd/*.log 2>/dev/null | head -n 1)" 2>/dev/null | cut -c -600
echo "== kubelet"; tail -n 100 /var/lib/rancher/rke2/agent/logs/kubelet.log 2>/dev/null | grep -E '^[EF][0-9]|command failed' | tail -n 1 | cut -c -600
echo "== nodes"; test -x ${program} && timeout 20 ${kubectl} get nodes -o json 2>/dev/null
${asksVersion ? `echo "== api"; test -x ${program} && timeout 20 ${kubectl} get --raw /version 2>/dev/null` : ''}
${remainsScript}
true
`

/** For root's sh on a node: between which times a report counts, as Kubernetes writes them: since the start of the service by
 *  the clock as it is now, and not ahead of that clock. Fails if the service is not active. */
export const startedScript = (service: Service) => `\
systemctl is-active --quiet ${service} &&
  began=$(systemctl show --property ExecMainStartTimestampMonotonic --value ${service}) &&
  up=$(cut -d ' ' -f 1 /proc/uptime) && now=$(date +%s%6N) &&
  started=$(((now - \${up%.*}\${up#*.}0000 + began) / 1000000)) &&
  echo "$(date -u -d "@$started" +%FT%TZ) $(date -u -d '${tolerance} seconds' +%FT%TZ)"`

/** Appended to what status runs on a node as the login user: RKE2's version and service, what is mounted, and on a server the nodes. */
export const statusScript = (service: Service) =>
  `; echo '== version'; test ! -x /usr/local/bin/rke2 || /usr/local/bin/rke2 --version 2>&1 || echo "exit $?"; echo '== service'; systemctl is-active ${service}; echo '== mounted'; cut -d ' ' -f 2 /proc/mounts; ${startScript(service)}` +
  (service === 'rke2-server'
    ? `; echo '== nodes'; test -x ${program} && sudo timeout 10 ${kubectl} get nodes -o json 2>/dev/null; true${addonsScript}; true`
    : '; true')
