// PURE. What is said of the lab's snapshots before a machine of theirs goes, or changes.
import type { Machine } from '../libvirt/ownership.ts'
import { lacking, type LabSnapshot } from './snapshots.ts'

// Those that all of their machines still have, with one of these.
const wholeOf = (all: LabSnapshot[], names: string[]): LabSnapshot[] =>
  all.filter((one) => one.of?.some((name) => names.includes(name)) && lacking(one).length === 0)

/** For the question before machines are removed: the snapshots that go with the lab, or that others keep for nothing. */
export function lostWith(all: LabSnapshot[], names: string[]): string[] {
  const isGone = ({ on }: LabSnapshot) => [...on.keys()].every((name) => names.includes(name))
  return wholeOf(all, names).map((one) =>
    isGone(one) ? one.name : `${one.name} is then incomplete: the lab cannot go back to it`,
  )
}

/** For machines that get other sizes: a revert brings the old ones back. */
export const oldSizes = (all: LabSnapshot[], names: string[]): string[] =>
  wholeOf(all, names).map(({ name, of = [] }) => {
    const changed = names.filter((one) => of.includes(one)).join(', ')
    return `snapshot ${name} has the old sizes of ${changed}: after a revert to it, run resize.ts again`
  })

/** For the question before a revert: it detaches the disks that were added since then. */
export const detachedBy = ({ on }: LabSnapshot, machines: Machine[]): string[] =>
  machines.flatMap(({ name, domain }) => {
    const then = on.get(name)?.files
    const added = then ? (domain?.files ?? []).filter((file) => !then.includes(file)) : []
    return added
      .filter((file) => !file.endsWith('.iso'))
      .map(
        (file) =>
          `${name}: ${file} is not in it, so it is detached, with what is on it; resize.ts attaches it again`,
      )
  })
