// EDGE. Which machines do not answer because they are off.
import type { Lab, Node } from '../lab/lab.ts'
import { look } from '../libvirt/observe.ts'
import { observeHosts, pairAll } from '../libvirt/hosts.ts'

/** Those of this lab that are made and shut off. */
export const shutOff = async (lab: Lab, nodes: Node[]): Promise<Node[]> =>
  pairAll(await observeHosts(lab, look), nodes).flatMap(({ node, domain }) =>
    domain?.state === 'shut off' ? node : [],
  )
