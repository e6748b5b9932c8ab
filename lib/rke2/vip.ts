// PURE. The address that the servers share, which kube-vip holds on one of them: its manifest, and what is wrong with it on a
// cluster. Read of kube-vip v1.2.3: pkg/kubevip, pkg/election, pkg/cluster.
import type { Lab, Node } from '../lab/lab.ts'
import { toYaml } from '../text/yaml.ts'
import { sumOf, type ServerManifests } from './manifests.ts'

/** The manifest's name, and words for kubectl that mean its pods. */
export const vipFile = 'kube-vip.yaml'
export const vipPods = '--namespace kube-system --selector app.kubernetes.io/name=kube-vip'

const name = 'kube-vip'
const metadata = { name, namespace: 'kube-system' }
const labels = { 'app.kubernetes.io/name': name }
const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' }
const about = `\
# Made from rke2.vip of the lab file: the servers share an address, and kube-vip holds it on one of them. It talks to the API
# of its own server (127.0.0.1), so that a server whose API is dead loses the address. RKE2's etcd may be without a leader for
# five seconds; with less patience than this the address would be dropped meanwhile. A Role for leases is all that it uses.
`

/** The manifest of kube-vip, alike for all servers; undefined without rke2.vip. */
export function vipManifest({ rke2 }: Lab): { name: string; text: string } | undefined {
  if (rke2.vip === undefined) return undefined
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    {
      ...rbac,
      kind: 'Role',
      metadata,
      rules: [
        {
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          verbs: ['get', 'create', 'update'],
        },
      ],
    },
    {
      ...rbac,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', ...metadata }],
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { ...metadata, labels },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: podSpec(rke2.vip, rke2.vipImage) },
      },
    },
  ]
  return { name: vipFile, text: about + objects.map((one) => toYaml(one)).join('---\n') }
}

const podSpec = (address: string, image: string) => ({
  serviceAccountName: name,
  hostNetwork: true,
  priorityClassName: 'system-node-critical',
  nodeSelector: { 'node-role.kubernetes.io/control-plane': 'true' },
  tolerations: ['NoSchedule', 'NoExecute'].map((effect) => ({ operator: 'Exists', effect })),
  containers: [
    {
      name,
      image,
      imagePullPolicy: 'IfNotPresent',
      args: ['manager'],
      env: [
        { name: 'vip_nodename', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        ...Object.entries(environment(address)).map(([key, value]) => ({ name: key, value })),
      ],
      securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] } },
    },
  ],
})

const environment = (address: string) => ({
  address,
  port: '6443',
  vip_arp: 'true',
  cp_enable: 'true',
  cp_namespace: 'kube-system',
  svc_enable: 'false',
  vip_leaderelection: 'true',
  vip_leasename: 'plndr-cp-lock',
  vip_leaseduration: '15',
  vip_renewdeadline: '10',
  vip_retryperiod: '2',
  prometheus_server: '127.0.0.1:2112',
  KUBERNETES_SERVICE_HOST: '127.0.0.1',
  KUBERNETES_SERVICE_PORT: '6443',
})

/** Whether a server has kube-vip as the lab file wants it. */
export const hasVip = (lab: Lab, { manifests }: { manifests: ServerManifests }): boolean =>
  manifests.ours.get(vipFile) === sumOf(vipManifest(lab)?.text ?? '')

const serversOf = (nodes: Node[]) => nodes.filter(({ role }) => role === 'server')

/** For those who used the key for the address of a load balancer. */
export const ownBalancer = (vip: string): string =>
  `# if the address is that of your own load balancer, write it there instead of rke2.vip, for good: rke2: { config: { tls-san: [${vip}] } }`

const curl = (vip: string, seconds: number) =>
  `curl --silent --insecure --noproxy ${vip} --max-time ${seconds} --output /dev/null`
const api = (vip: string) => `https://${vip}:6443/`
const join = (vip: string) => `https://${vip}:9345/ping`

/** For bash on this host: whether the address answers kubectl, and nodes that join. Without credentials the API answers 401,
 *  which is an answer; an open port alone is none. */
export const vipAnswersHere = (vip: string) => ({
  api: `${curl(vip, 5)} ${api(vip)}`,
  join: `${curl(vip, 5)} ${join(vip)}`,
})

/** The same for sh on a node, which may have wget instead. */
export const vipAnswers = (vip: string): string => `\
answers() { ${curl(vip, 5)} "$1" || wget --no-check-certificate --no-proxy --timeout=5 --tries=1 --server-response --output-document=/dev/null "$1" 2>&1 | grep -q HTTP/; }
answers ${api(vip)} && answers ${join(vip)}
`

/** For sh on a node: fails if something else than a server of this lab has the address; an agent never holds it. Trying it
 *  makes the kernel look for its MAC. */
export const vipIsFree = (vip: string, { nodes }: Lab): string => `\
${curl(vip, 2)} ${api(vip)} || wget --quiet --no-check-certificate --no-proxy --timeout=2 --tries=1 --output-document=/dev/null ${api(vip)} || true
known=$(ip neighbour show to ${vip}) || { echo "the node does not tell who has the address ${vip}" >&2; exit 1; }
mac=$(echo "$known" | sed -n 's/.* lladdr \\([^ ]*\\).*/\\1/p')
case $mac in
'' | ${serversOf(nodes)
  .map(({ mac }) => mac)
  .join(' | ')}) ;;
*) echo "something else has the address ${vip} (MAC $mac)" >&2; false ;;
esac
`

/** Who holds the address, as `status.ts --json` prints it; the names are stable. */
export interface VipStatus {
  address: string
  /** The servers that have it, of those that answered: one is right. */
  holders: string[]
  /** Whether its ports answer this host over HTTPS: 6443 for kubectl, 9345 for nodes that join. */
  api: boolean
  join: boolean
  remark: string | null
}

/** The addresses of each server that answered, and what its ports said. */
export function vipStatus(
  { nodes, rke2: { vip = '' } }: Lab,
  answers: string[][],
  ports: Pick<VipStatus, 'api' | 'join'>,
): VipStatus {
  const servers = serversOf(nodes)
  const has = answers.filter((addresses) => addresses.includes(vip)).flat()
  const holders = servers.filter(({ address }) => has.includes(address)).map(({ name }) => name)
  const unasked = servers.length - answers.length
  const silent = [!ports.api && '6443', !ports.join && '9345'].filter(Boolean)
  const remarks = [
    holders.length > 1 && `${holders.join(' and ')} have it, and only one of them may`,
    holders.length === 0 && noHolder(unasked, silent.length < 2),
    silent.length > 0 && `${silent.join(' and ')} ${silent.length > 1 ? 'do' : 'does'} not answer`,
  ]
  return { address: vip, holders, ...ports, remark: remarks.filter(Boolean).join('; ') || null }
}

function noHolder(unasked: number, answers: boolean): string {
  if (unasked > 0) return `no server that answered has it, and ${unasked} did not answer`
  return answers ? 'another machine has it, and no server does' : 'no server has it'
}

/** A line for people. */
export const vipLine = ({ address, holders, remark }: VipStatus): string =>
  `\n\nrke2.vip ${address}: ${remark ?? `held by ${holders[0]}, answers on 6443 and 9345`}`
