// PURE. A lab over several hosts: what each of them sees of it.
import type { Lab, Node } from './lab.ts'

/** The lab as each host sees it: its libvirt, bridge, pool and nodes. Without `hosts`, that is the lab itself. */
export function hostsOf(lab: Lab): Lab[] {
  const names = Object.keys(lab.hosts)
  if (names.length === 0) return [lab]
  return ['', ...names].map((name) => seenBy(lab, name))
}

/** The lab as the host of the node sees it. */
export const labAt = (lab: Lab, { host = '' }: Pick<Node, 'host'>): Lab =>
  Object.keys(lab.hosts).length === 0 ? lab : seenBy(lab, host)

/** Those of the nodes that are on the host of this view. */
export const nodesOn = (at: Lab, nodes: Node[]): Node[] =>
  at.nodes.filter((node) => nodes.includes(node))

/** What machines of all hosts have, in the order of the lab file; that of machines which are not in it comes last. */
export function inLabOrder<T extends { machine: string }>({ nodes }: Lab, all: T[]): T[] {
  const names = nodes.map(({ name }) => name)
  const place = ({ machine }: T) => names.indexOf(machine) + 1 || names.length + 1
  return [...all].sort((one, other) => place(one) - place(other))
}

function seenBy(lab: Lab, on: string): Lab {
  const { libvirt = lab.libvirt, bridge, pool } = lab.hosts[on] ?? {}
  const isThere = ({ host = '' }: Node) => host === on
  return {
    ...lab,
    libvirt,
    hosts: {},
    on,
    network: { ...lab.network, ...(bridge !== undefined && { bridge }) },
    pool: { ...lab.pool, ...(pool !== undefined && { path: pool }) },
    nodes: lab.nodes.filter(isThere),
    others: lab.nodes.filter((node) => !isThere(node)),
  }
}

/** A file of the lab's folder that each host has its own of. */
export const fileOf = ({ dir, on }: Lab, name: string, ending: string): string =>
  `${dir}/${name}${on ? `-${on}` : ''}.${ending}`
