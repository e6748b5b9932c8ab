// PURE. What status shows of RKE2 and Kubernetes: what a node is asked besides cloud-init, and its answer.
import { parts } from '../text/sections.ts'
import { parseVersion } from './release.ts'
import { parseKubeNodes, serviceOf, statusScript } from './state.ts'

export const cluster = {
  ask: (node: { role: 'server' | 'agent' }) => statusScript(serviceOf(node)),
  read(answer: string) {
    const found = parts(answer)
    const said = (found.get('version') ?? '').trim()
    const version = parseVersion(said)
    return {
      rke2: version ? { version, service: (found.get('service') ?? '').trim() } : null,
      nodes: parseKubeNodes(found.get('nodes') ?? ''),
      trouble: said && !version ? `rke2 --version failed: ${said.split('\n').at(-1)}` : undefined,
    }
  },
}
