// EDGE. The snapshots of a lab, for people (in the host's time zone) and as JSON.
import type { Lab } from './lab/lab.ts'
import type { Saves } from './machine/snapshot-steps.ts'
import { lacking, whyNotRevert, type LabSnapshot } from './machine/snapshots.ts'
import { formatSize } from './text/size.ts'
import { table } from './text/table.ts'

const when = ({ created }: LabSnapshot) => {
  const at = new Date(created * 1000)
  const [month, day, hour, minute] = [
    at.getMonth() + 1,
    at.getDate(),
    at.getHours(),
    at.getMinutes(),
  ].map((part) => String(part).padStart(2, '0'))
  return `${at.getFullYear()}-${month}-${day} ${hour}:${minute}`
}
const machinesOf = ({ on }: LabSnapshot) => [...on.keys()].join(', ')

/** One snapshot, for a question. */
export const inWords = (one: LabSnapshot) => `${one.name}, saved ${when(one)} of ${machinesOf(one)}`

function trouble({ machines }: Saves, one: LabSnapshot): string | undefined {
  if (!one.of) return 'not made by snapshot.ts'
  const why = whyNotRevert(machines, one)?.why
  return lacking(one).length > 0 ? `incomplete, ${why}` : why
}

/** Bytes that the disks take on the host, snapshots included; libvirt does not say how much of that one snapshot holds. */
const used = ({ machines }: Saves) =>
  machines.every(({ disk }) => disk)
    ? machines
        .flatMap(({ disk, more = [] }) => [disk ?? [], more].flat())
        .reduce((sum, { allocation }) => sum + allocation, 0)
    : null

/** A table, and what all disks take. */
export function asTable(saves: Saves): string {
  if (saves.all.length === 0) return 'no snapshot'
  const rows = saves.all.map((one) => [
    one.name,
    when(one),
    machinesOf(one),
    trouble(saves, one) ?? 'complete',
  ])
  const bytes = used(saves)
  return [
    table(['NAME', 'SAVED', 'MACHINES', 'STATE'], rows),
    ...(bytes === null ? [] : [`disks: ${formatSize(bytes)} on the host, snapshots included`]),
  ].join('\n')
}

/** The same for programs; the names are stable. */
export const asJson = (lab: Lab, saves: Saves): string =>
  JSON.stringify(
    {
      lab: lab.name,
      disks: used(saves),
      snapshots: saves.all.map((one) => ({
        name: one.name,
        saved: new Date(one.created * 1000).toISOString(),
        machines: [...one.on.keys()],
        remark: trouble(saves, one) ?? null,
      })),
    },
    null,
    2,
  )
