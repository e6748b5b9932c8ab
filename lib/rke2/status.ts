// PURE. What status shows of RKE2 and Kubernetes: what a node is asked besides cloud-init, and its answer.
import { parts } from '../text/sections.ts'
import { parseVersion } from './release.ts'
import { parseTimes, serviceOf, statusScript } from './state.ts'
import { isFresh, lacksNetwork, parseKubeNodes, type KubeNode } from './kube-nodes.ts'

export const cluster = {
  ask: (node: { role: 'server' | 'agent' }) => statusScript(serviceOf(node)),
  read(answer: string) {
    const found = parts(answer)
    const version = parseVersion(found.get('version') ?? '')
    const service = (found.get('service') ?? '').trim()
    return {
      rke2: version ? { version, service } : null,
      isReady: (own: Pick<KubeNode, 'ready' | 'heartbeat'>) =>
        service === 'active' && own.ready && isFresh(parseTimes(found.get('start')), own),
      nodes: parseKubeNodes(found.get('nodes') ?? '')?.map((one) => ({
        ...one,
        remark: remarkOn(one),
      })),
    }
  },
}

const remarkOn = (one: KubeNode) =>
  lacksNetwork(one)
    ? 'NotReady: no network plugin runs on it'
    : one.trouble && `NotReady: ${one.trouble}`
