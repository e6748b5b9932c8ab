// PURE. What is in the drive of the seed.
import type { Lab, Node } from '../lab/lab.ts'
import type { Domain } from '../libvirt/host.ts'

/** Whether the drive holds the node's own seed, live and persistently. */
export function seedSides(lab: Lab, node: Node, { seed }: Domain) {
  const file = `${lab.pool.path}/${node.seedVolume}`
  return { live: seed.live === file, config: seed.config === file }
}

/** The state of the drive; other: it holds a medium of someone else. */
export function seedState(lab: Lab, node: Node, domain: Domain): 'attached' | 'other' | 'ejected' {
  const { live, config } = seedSides(lab, node, domain)
  if (live || config) return 'attached'
  return domain.seed.live || domain.seed.config ? 'other' : 'ejected'
}
