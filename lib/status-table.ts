// PURE. The status as a table for people.
import { formatSize } from './size.ts'
import type { NodeStatus } from './status.ts'
import { table } from './table.ts'

type Column = [
  heading: string,
  cell: (status: NodeStatus) => string | null | undefined,
  wide?: 'wide',
]

const columns: Column[] = [
  ['NODE', ({ name }) => name],
  ['ROLE', ({ role }) => role, 'wide'],
  ['ADDRESS', ({ address }) => address],
  ['DOMAIN', ({ domain }) => domain],
  ['SSH', ({ ssh }) => ssh && (ssh === 'ok' ? 'ok' : 'no')],
  ['INIT', ({ cloudInit }) => cloudInit],
  ['SEED', ({ seed }) => seed],
  ['DISK', ({ disk }) => disk && `${formatSize(disk.used)} of ${formatSize(disk.size)}`, 'wide'],
  ['RKE2', ({ rke2 }) => rke2?.service],
  ['VERSION', ({ rke2 }) => rke2?.version, 'wide'],
  ['KUBERNETES', ({ kubernetes }) => kubernetes && (kubernetes.ready ? 'Ready' : 'NotReady')],
]

/** A table that fits the width (columns of the terminal), and a line for each node with something to remark. */
export function statusTable(all: NodeStatus[], width: number): string {
  const shown = columns.filter(([, , wide]) => width >= 120 || wide === undefined)
  const rows = all.map((status) => shown.map(([, cell]) => cell(status) || '-'))
  const remarks = all.filter(({ remark }) => remark).map(({ name, remark }) => `${name}: ${remark}`)
  return [
    table(
      shown.map(([heading]) => heading),
      rows,
    ),
    ...remarks,
  ].join('\n')
}
