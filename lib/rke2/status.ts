// PURE. What status shows of RKE2, Kubernetes and the manifests: what a node is asked besides cloud-init, and its answer.
import { parts } from '../text/sections.ts'
import type { Node } from '../lab/lab.ts'
import { parseAddons } from './addons.ts'
import { mountTrouble } from './mounts.ts'
import { parseVersion } from './release.ts'
import { parseTimes, serviceOf, statusScript } from './state.ts'
import { isFresh, lacksNetwork, parseKubeNodes, type KubeNode } from './kube-nodes.ts'

export const cluster = {
  ask: (node: Pick<Node, 'role'>) => statusScript(serviceOf(node)),
  read(answer: string, node: Pick<Node, 'disks'>) {
    const found = parts(answer)
    const said = (found.get('version') ?? '').trim()
    const version = parseVersion(said)
    const service = (found.get('service') ?? '').trim()
    const times = parseTimes(found.get('start'))
    return {
      rke2: version ? { version, service } : null,
      isReady: (own: Pick<KubeNode, 'ready' | 'heartbeat'>) =>
        service === 'active' && own.ready && times !== undefined && isFresh(times, own),
      nodes: parseKubeNodes(found.get('nodes') ?? '')?.map((one) => ({
        ...one,
        remark: remarkOn(one),
      })),
      told: parseAddons(found),
      trouble: said && !version ? `rke2 --version failed: ${said.split('\n').at(-1)}` : undefined,
      mounts: mountTrouble(node, linesOf(found.get('mounted'))) || undefined,
    }
  },
}

const linesOf = (text = '') => text.split('\n').filter(Boolean)

const remarkOn = (one: KubeNode) =>
  lacksNetwork(one)
    ? 'NotReady: no network plugin runs on it'
    : one.trouble && `NotReady: ${one.trouble}`
