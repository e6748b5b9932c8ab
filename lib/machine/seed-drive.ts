// PURE. What is in the drive that create puts the seed into.
import type { Lab, Node } from '../lab/lab.ts'
import type { Domain } from '../libvirt/host.ts'

/** On which sides, running and persistent, the drive holds the node's own seed. */
export function seedSides(lab: Lab, node: Node, { seed }: Domain) {
  const file = `${lab.pool.path}/${node.seedVolume}`
  return { live: seed.live === file, config: seed.config === file }
}

/** The drive in a word; other: a medium that somebody put there. */
export function seedState(lab: Lab, node: Node, domain: Domain): 'attached' | 'other' | 'ejected' {
  const { live, config } = seedSides(lab, node, domain)
  if (live || config) return 'attached'
  return domain.seed.live || domain.seed.config ? 'other' : 'ejected'
}
