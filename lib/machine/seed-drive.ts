// PURE. What is in the drive that create puts the seed into.
import type { Lab, Node } from '../lab/lab.ts'
import type { Domain, Volume } from '../libvirt/host.ts'

/** Where a seed's tag is: the application field of the ISO (ECMA-119, primary volume descriptor). Bytes. */
export const tagPlace = { offset: 16 * 2048 + 574, length: 128 }

/** Whether a run was cut off before the upload of a seed volume reached its tag. */
export const isCutOff = ({ capacity }: Volume) => capacity < tagPlace.offset + tagPlace.length

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
