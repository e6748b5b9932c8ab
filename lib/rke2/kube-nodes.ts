// PURE. Kubernetes' nodes, and whether one of them is up.
import type { Lab } from '../lab/lab.ts'

/** kubectl on a server, for root. */
export const program = '/var/lib/rancher/rke2/bin/kubectl'
export const kubectl = `${program} --kubeconfig /etc/rancher/rke2/rke2.yaml`

/** When the service was started, by the node's clock as it is now, and that clock, both in seconds since 1970. */
export interface Times {
  /** NaN if it never was. */
  started: number
  /** 0 if it is not known. */
  now: number
}

export interface KubeNode {
  name: string
  ready: boolean
  /** Why it is not Ready, as the condition says. */
  trouble: string
  /** When the kubelet last reported, by its own clock; empty if it never did. */
  heartbeat: string
  roles: string[]
  version: string
  /** No new pods come to it. */
  cordoned: boolean
  /** A script of this project has cordoned it. */
  marked: boolean
  /** Of a server: it is a full member of etcd, or not yet. */
  isVoter?: boolean
  /** Its member has been taken out of etcd. */
  removed?: true
}

/** A node that no API was asked about: it is taken to be there and Ready. */
export const unseenNode = ({ name }: { name: string }): KubeNode => ({
  name,
  ready: true,
  trouble: '',
  heartbeat: '',
  roles: [],
  version: '',
  cordoned: false,
  marked: false,
})

/** The annotation of a node that a script has cordoned. */
export const cordonMark = 'rke2-kvm-lab/cordoned'

/** The annotations by which RKE2 is asked to take a server out of etcd, and answers (k3s: pkg/etcd/member_controller.go). */
export const memberMark = 'etcd.rke2.cattle.io/remove'
export const removedMark = 'etcd.rke2.cattle.io/removed-node-name'

/** Seconds that two clocks of a cluster may differ, including the time between looks at them. */
export const tolerance = 60

/** Whether a network plugin is all that the node lacks: of several reasons the kubelet makes a list in brackets
 *  (kubernetes, pkg/kubelet/nodestatus/setters.go). */
export const lacksNetwork = ({ ready, trouble }: KubeNode): boolean =>
  !ready && trouble.startsWith('container runtime network not ready: ')

type Network = Pick<Lab['rke2'], 'cni'>

/** Whether the user installs the network plugin: until then no node is Ready. */
export const bringsNetwork = ({ cni }: Network): boolean => [cni].flat().includes('none')

/** Whether the node is as far as RKE2 brings it: Ready, or with `cni: none` Ready but for the network. */
export const isUp = (kube: KubeNode, rke2: Network): boolean =>
  kube.ready || (bringsNetwork(rke2) && lacksNetwork(kube))

/** Whether the node's kubelet reported after the service's start: after a power cut, a restore or a clock that was ahead, the
 *  API shows old reports as if they were new. */
export function isFresh(
  { started, now }: Times,
  { heartbeat }: Pick<KubeNode, 'heartbeat'>,
): boolean {
  const reported = Date.parse(heartbeat) / 1000
  return reported > started && reported <= now + tolerance
}

/** Whether the service runs, and its Kubernetes node has been reported to be up since the start. */
export const isReady = (
  { service, started, now }: Times & { service: string },
  kube: KubeNode | undefined,
  rke2: Network,
): boolean =>
  service === 'active' && kube !== undefined && isUp(kube, rke2) && isFresh({ started, now }, kube)

/** The nodes in the output of `kubectl get nodes -o json`; undefined if it is not JSON. */
export function parseKubeNodes(json: string): KubeNode[] | undefined {
  interface Item {
    metadata?: {
      name?: string
      labels?: Record<string, string>
      annotations?: Record<string, string>
    }
    spec?: { unschedulable?: boolean }
    status?: {
      conditions?: {
        type?: string
        status?: string
        message?: string
        lastHeartbeatTime?: string
      }[]
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
  return items.map(({ metadata, spec, status }) => {
    const condition = (kind: string) => status?.conditions?.find(({ type }) => type === kind)
    const [ready, voter] = [condition('Ready'), condition('EtcdIsVoter')]
    return {
      name: metadata?.name ?? '',
      ready: ready?.status === 'True',
      trouble: ready?.status === 'True' ? '' : (ready?.message ?? ''),
      heartbeat: ready?.lastHeartbeatTime ?? '',
      roles: Object.keys(metadata?.labels ?? {})
        .filter((label) => label.startsWith(rolePrefix))
        .map((label) => label.slice(rolePrefix.length))
        .sort(),
      version: status?.nodeInfo?.kubeletVersion ?? '',
      cordoned: spec?.unschedulable === true,
      marked: metadata?.annotations?.[cordonMark] !== undefined,
      ...(voter && { isVoter: voter.status === 'True' }),
      ...(metadata?.annotations?.[removedMark] !== undefined && { removed: true }),
    }
  })
}

/** Whether a kubelet or an API reports this version of RKE2. One that someone built may leave out RKE2's own number. */
export const isOfVersion = (reported: string, version: string): boolean =>
  reported === version || reported === kubernetesOf(version)

const kubernetesOf = (version: string) => version.replace(/\+.*/, '')

/** For root's sh on a server: fails unless its own API has this version. */
export const apiVersionScript = (version: string) =>
  `${kubectl} get --raw /version | grep -Eq '"gitVersion": *"${kubernetesOf(version).replaceAll('.', '[.]')}([+]${version.replace(/.*\+/, '')})?"'`

/** The version in the API's answer to /version; empty if there is none. */
export const apiVersionIn = (answer: string): string =>
  /"gitVersion": *"([^"]*)"/.exec(answer)?.[1] ?? ''

/** `isOfVersion` as a condition of bash, for what is read into version. */
export const isOfVersionBash = (version: string) =>
  `( $version == ${version} || $version == ${kubernetesOf(version)} )`

/** For root's sh on a server: "STATUS HEARTBEAT MESSAGE" of a node's condition Ready; nothing if there is no such node.
 *  `withVersion`: its kubelet's version comes first. */
export const readyScript = (name: string, withVersion = false) =>
  `${kubectl} get node ${name} --ignore-not-found --output 'jsonpath=${withVersion ? '{.status.nodeInfo.kubeletVersion} ' : ''}${readyPath}'`
const readyPath =
  '{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime} {.message}{end}'

/** `isUp` as a condition of bash, for what `readyScript` printed, read into ready and `messageField`. */
export const isUpBash = (rke2: Network) =>
  bringsNetwork(rke2)
    ? "( $ready == True || $message == 'container runtime network not ready: '* )"
    : '$ready == True'

export const messageField = (rke2: Network) => (bringsNetwork(rke2) ? 'message' : '_')
