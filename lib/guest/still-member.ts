// EDGE. Whether machines are still nodes of a Kubernetes cluster, where one of its servers says so at once. It is not in rke2/,
// because machines are removed without that, too.
import type { Lab, Node } from '../lab/lab.ts'
import { LabError } from '../text/errors.ts'
import { askNode, knock } from './ssh.ts'

const listing = `export PATH=$PATH:/var/lib/rancher/rke2/bin KUBECONFIG=/etc/rancher/rke2/rke2.yaml
timeout 8 kubectl get nodes -o name`

/** Those of the nodes that a server which is not among them knows; none if no server answers within seconds. */
export async function stillMembers(lab: Lab, nodes: Node[]): Promise<string[]> {
  const servers = lab.nodes.filter((one) => one.role === 'server' && !nodes.includes(one))
  const known = nodes.length > 0 ? (await Promise.all(servers.map(namesFrom))).flat() : []
  return nodes.map(({ name }) => name).filter((name) => known.includes(`node/${name}`))
}

async function namesFrom(server: Node): Promise<string[]> {
  if ((await knock(server.address, 22, 1000)) !== 'open') return []
  try {
    return (await askNode(server, listing, { root: true, seconds: 10 })).split('\n')
  } catch (error) {
    if (error instanceof LabError) return []
    throw error
  }
}
