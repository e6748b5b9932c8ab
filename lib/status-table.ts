// PURE. The status as a table for people.
import { formatSize } from './text/size.ts'
import type { NodeStatus } from './status.ts'
import { table } from './text/table.ts'

type Column = [heading: string, cell: (status: NodeStatus) => string | null | undefined]

const columns: Column[] = [
  ['NODE', ({ name }) => name],
  ['ROLE', ({ role }) => role],
  ['ADDRESS', ({ address }) => address],
  ['HOST', ({ host }) => host],
  ['DOMAIN', ({ domain }) => domain],
  ['SSH', ({ ssh }) => ssh && (ssh === 'ok' ? 'ok' : 'no')],
  ['INIT', ({ cloudInit }) => cloudInit],
  ['SEED', ({ seed }) => seed],
  ['DISK', ({ disk }) => disk && `${formatSize(disk.used)} of ${formatSize(disk.size)}`],
  ['RKE2', ({ rke2 }) => rke2?.service],
  ['VERSION', ({ rke2 }) => rke2?.version],
  ['KUBERNETES', ({ kubernetes }) => kubernetes && (kubernetes.ready ? 'Ready' : 'NotReady')],
  ['ROLES', ({ kubernetes }) => kubernetes?.roles.join(',')],
]

/** Left out in this order where the terminal is narrow; `--json` always has them. */
const optional = ['ROLES', 'VERSION', 'DISK', 'ROLE']

/** A table that fits the width (columns of the terminal), and a line for each node with a remark. */
export function statusTable(all: NodeStatus[], width: number): string {
  const remarks = all.filter(({ remark }) => remark).map(({ name, remark }) => `${name}: ${remark}`)
  const tables = [0, 1, 2, 3, 4].map((count) => tableWithout(optional.slice(0, count), all))
  const fits = (text: string) => text.split('\n').every((line) => line.length <= width)
  return [tables.find(fits) ?? tables.at(-1), ...remarks].join('\n')
}

function tableWithout(left: string[], all: NodeStatus[]): string {
  const none = all.some(({ host }) => host) ? left : [...left, 'HOST']
  const shown = columns.filter(([heading]) => !none.includes(heading))
  return table(
    shown.map(([heading]) => heading),
    all.map((status) => shown.map(([, cell]) => cell(status) || '-')),
  )
}
