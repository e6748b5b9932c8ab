// PURE. What status shows of RKE2 and Kubernetes: what a node is asked besides cloud-init, and its answer.
import { parts } from '../text/sections.ts'
import { parseVersion } from './release.ts'
import {
  isReady,
  parseKubeNodes,
  parseTimes,
  serviceOf,
  statusScript,
  type KubeNode,
} from './state.ts'

export const cluster = {
  ask: (node: { role: 'server' | 'agent' }) => statusScript(serviceOf(node)),
  read(answer: string) {
    const found = parts(answer)
    const version = parseVersion(found.get('version') ?? '')
    const service = (found.get('service') ?? '').trim()
    return {
      rke2: version ? { version, service } : null,
      isReady: (own: KubeNode) => isReady({ service, ...parseTimes(found.get('start')) }, own),
      nodes: parseKubeNodes(found.get('nodes') ?? ''),
    }
  },
}
