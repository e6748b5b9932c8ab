// PURE. The snapshots of a lab: one name on all of its machines. What can be saved, and which can be put back.
import { labAt } from '../lab/hosts.ts'
import type { Lab } from '../lab/lab.ts'
import type { Volume } from '../libvirt/host.ts'
import type { Machine } from '../libvirt/ownership.ts'
import type { Snapshot } from '../libvirt/snapshot-xml.ts'
import { LabError, line, NodeErrors, script, UsageError, type Hint } from '../text/errors.ts'
import { quote } from '../text/quote.ts'
import { seedState } from './seed-drive.ts'

/** Snapshots of one name. */
export interface LabSnapshot {
  name: string
  /** Seconds since 1970: when the last of them was made. */
  created: number
  /** That of each machine which has one. */
  on: Map<string, Snapshot>
  /** The machines that were saved together; undefined: something else made at least one of them. */
  of?: string[]
  /** The lab was on before. */
  wasOn: boolean
}

const mark = /^rke2-kvm-lab: (\S.*?)( \(on\))?$/

/** The description that marks a snapshot as made here: the machines that are saved together, and whether one was on. */
export const describe = (names: string[], wasOn: boolean) =>
  `rke2-kvm-lab: ${names.join(' ')}${wasOn ? ' (on)' : ''}`

/** The snapshots by name, the oldest first. */
export function byName(lab: { name: string }, all: Snapshot[]): LabSnapshot[] {
  const names = [...new Set(all.map(({ name }) => name))]
  return names
    .map((name): LabSnapshot => {
      const some = all.filter((one) => one.name === name)
      const isOurs = some.every(
        (one) => mark.test(one.description) && one.owner?.lab === lab.name && isOff(one),
      )
      const marks = some.map(({ description }) => mark.exec(description))
      return {
        name,
        created: Math.max(...some.map(({ created }) => created)),
        on: new Map(some.map((one) => [one.machine, one])),
        ...(isOurs && { of: [...new Set(marks.flatMap((found) => found?.[1]?.split(' ') ?? []))] }),
        wasOn: marks.some((found) => found?.[2] !== undefined),
      }
    })
    .sort((a, b) => a.created - b.created)
}

const isOff = ({ state, external }: Snapshot) => state === 'shutoff' && !external

/** The machines that were saved, but do not have it. */
export const lacking = ({ of = [], on }: LabSnapshot): string[] =>
  of.filter((name) => !on.has(name))

/** Throws when a word is not good for the name of a snapshot. */
export function checkName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name))
    throw new UsageError(`a snapshot cannot be called "${name}"`, {
      hint: 'letters, digits, dots, hyphens and underscores, a letter or digit first, at most 63',
    })
}

/** A free name for the state before a revert; one that is only on some machines counts as free. */
export function nameBefore(name: string, all: LabSnapshot[]): string {
  const base = `before-${name}`.slice(0, 55)
  const isTaken = (wanted: string) =>
    all.some((one) => one.name === wanted && (!one.of || lacking(one).length === 0))
  for (let number = 1; ; number++) {
    const wanted = number === 1 ? base : `${base}-${number}`
    if (!isTaken(wanted)) return wanted
  }
}

const slack = 5 // seconds that qemu-img may write after the time that libvirt notes

/** Whether the machine's disk is still what it was at its snapshot. */
export function isUnchanged(
  { name, domain, disk, more = [] }: Machine,
  { on }: LabSnapshot,
): boolean {
  const created = on.get(name)?.created ?? 0
  const isOld = (one?: Volume) => (one?.modified ?? Infinity) <= created + slack
  return domain?.state === 'shut off' && isOld(disk) && more.every(isOld)
}

/** Throws when these machines cannot be saved under a name; `there`: what has it; `counts`: the snapshots on each volume. */
export function checkSave(
  lab: Lab,
  machines: Machine[],
  all: LabSnapshot[],
  there: LabSnapshot | undefined,
  counts: Map<string, number>,
): void {
  if (machines.length === 0)
    throw new LabError('no machine of this lab is made, so there is nothing to save', {
      hint: script('create'),
    })
  const errors = machines.flatMap((machine) => whyNotSaved(lab, machine, all, counts) ?? [])
  if (errors.length > 0) throw errors.length > 1 ? new NodeErrors(errors) : errors[0]
  if (!there) return
  if (!there.of) throw foreign(there)
  const isWhole = lacking(there).length === 0
  if (isWhole && !machines.every((machine) => isUnchanged(machine, there)))
    throw new LabError(`a snapshot called ${there.name} exists already`, {
      hint: [
        '# take another name, or remove it first:',
        script('snapshot', 'remove', there.name),
        script('snapshot', 'list'),
      ],
    })
}

function whyNotSaved(
  lab: Lab,
  { name, node, domain, disk, more = [] }: Machine,
  all: LabSnapshot[],
  counts: Map<string, number>,
): LabError | undefined {
  const mixed = all.find(({ on }) => on.get(name)?.external)
  const there = `virsh -c ${quote(labAt(lab, node).libvirt)}`
  if (mixed)
    return new LabError(
      `${name}: it has an external snapshot (${mixed.name}), which these scripts did not make`,
      {
        details: ['libvirt cannot revert to one kind past the other'],
        hint: `${there} snapshot-list ${name} --external`,
      },
    )
  const known = all.filter(({ on }) => on.has(name)).length
  const held = (volume: Volume) => counts.get(volume.name) ?? 0
  const full = [...(disk ? [disk] : []), ...more].find((volume) => held(volume) > known)
  if (full)
    return new LabError(`${name}: its disk holds ${held(full)} snapshots, libvirt knows ${known}`, {
      details: ['a revert could take one that libvirt does not know'],
      hint: [
        `sudo qemu-img snapshot -U -l ${quote(full.path)}`,
        `# with the machine off, remove those: sudo qemu-img snapshot -d NAME ${quote(full.path)}`,
      ],
    })
  if (domain && seedState(labAt(lab, node), node, domain) === 'attached')
    return new LabError(`${name}: its seed is still in the drive`, {
      details: ['the machine would need it again after a revert, and by then it may be deleted'],
      hint: script('eject', name),
    })
  if (domain?.saved)
    return new LabError(`${name}: its memory is saved on the host (managed save)`, {
      details: ['its disk alone is like that of a machine after a power cut'],
      hint: script('start', name),
    })
  return undefined
}

const foreign = ({ name, on }: LabSnapshot) => {
  const [{ machine, libvirt } = { machine: '', libvirt: '' }] = on.values()
  return new LabError(`snapshot.ts did not make the snapshot ${name}`, {
    details: ['it is left alone'],
    hint: `virsh -c ${quote(libvirt)} snapshot-info ${machine} ${quote(name)}`,
  })
}

/** The snapshot of that name, when these scripts made it; throws otherwise. */
export function findSnapshot(name: string, all: LabSnapshot[]): LabSnapshot {
  const found = all.find((one) => one.name === name)
  if (!found)
    throw new LabError(`there is no snapshot called ${name}`, {
      details: all.length > 0 ? [`there are: ${all.map((one) => one.name).join(', ')}`] : [],
      hint: script('snapshot', 'list'),
    })
  if (!found.of) throw foreign(found)
  return found
}

/** Why these machines cannot be put back to it, and what helps; undefined when they can. Only all together can. */
export function whyNotRevert(
  machines: Machine[],
  one: LabSnapshot,
): { why: string; hint: Hint } | undefined {
  const names = machines.map(({ name }) => name)
  const refuse = (why: string, hint: Hint) => ({ why, hint })
  const useless = line(script('snapshot', 'remove', one.name), '   # nothing can go back to it')
  const gone = one.of?.filter((name) => !names.includes(name)) ?? []
  if (gone.length > 0) return refuse(`removed since then: ${gone.join(', ')}`, useless)
  const lacks = lacking(one)
  if (lacks.length > 0)
    return refuse(
      `not on ${lacks.join(', ')}: recreated since then, or the save was interrupted`,
      useless,
    )
  const added = names.filter((name) => !one.of?.includes(name))
  if (added.length > 0)
    return refuse(
      `added since then: ${added.join(', ')}`,
      line(script('destroy', ...added), '   # then revert; create and join bring it back'),
    )
  return undefined
}
