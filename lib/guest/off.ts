// EDGE. Which machines do not answer because they are off.
import { nodesOn } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { look } from '../libvirt/observe.ts'
import { observeHosts, pairAll } from '../libvirt/hosts.ts'

/** Those of this lab that are made and shut off; throws when there are none, but a host that may have some does not answer. */
export async function shutOff(lab: Lab, nodes: Node[]): Promise<Node[]> {
  const seen = await observeHosts(lab, look)
  const off = pairAll(seen, nodes).flatMap(({ node, domain }) =>
    domain?.state === 'shut off' ? node : [],
  )
  const silent = seen.silent.find(({ lab: at }) => nodesOn(at, nodes).length > 0)
  if (off.length === 0 && silent) throw silent.error
  return off
}
