// `npm run bench [-- --runs N] [-- --only machines|cluster|day-two]`: how long things take, as ratios inside one run on one
// machine. Prints a table and writes tests/bench/results.json.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import minimist from 'minimist'
import { table } from '../../lib/text/table.ts'
import { clusterCosts } from './cluster.ts'
import { dayTwoSeconds, type DayTwoSeconds } from './day-two.ts'
import { machineSeconds, type MachineSeconds } from './machines.ts'

const { runs, only } = minimist(process.argv.slice(2), { default: { runs: 5 } }) as unknown as {
  runs: number
  only?: string
}
const file = join(import.meta.dirname, 'results.json')
const results: Record<string, unknown> = {
  ...(only && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {}), // the other parts
  cpus: cpus().length,
  node: process.version,
  runs,
}

const times = (a: number, b: number) => (a / b).toFixed(1)
type Row = [what: string, measured: string, ratio: string]
const show = (title: string, rows: Row[]) =>
  console.log(`
${table([title, '', ''], rows)}`)
const seconds = (value: number) => `${value.toFixed(2)} s`

function machineRows(m: MachineSeconds): Row[] {
  return [
    ['create.ts: process start to 3 running domains', seconds(m.create), ''],
    [
      'the same libvirt work by hand, in parallel',
      seconds(m.byHand),
      `create takes ${times(m.create, m.byHand)} times that (wanted: 1.5 at most)`,
    ],
    [
      'by hand, files copied without libvirt',
      seconds(m.withoutPool),
      `create takes ${times(m.create, m.withoutPool)} times that`,
    ],
    [
      'the old way',
      seconds(m.oldWay),
      `${times(m.oldWay, m.create)} times create (wanted: 5 at least)`,
    ],
    ['create.ts, image never seen before', seconds(m.createNew), ''],
    ['create.ts, 3 nodes, image that does not boot', seconds(m.threeNodes), ''],
    [
      'create.ts, 30 nodes, the same',
      seconds(m.thirtyNodes),
      `${times(m.thirtyNodes, m.threeNodes)} times 3 nodes`,
    ],
    ['create.ts --help', seconds(m.help), ''],
    ['status.ts, 3 nodes up (SSH servers of this machine)', seconds(m.status), ''],
  ]
}

function dayTwoRows(m: DayTwoSeconds): Row[] {
  const pair = (what: string, ours: number, byHand: number): Row[] => [
    [what, seconds(ours), `${times(ours, byHand)} times by hand`],
    ['the same virsh commands by hand', seconds(byHand), ''],
  ]
  return [
    ...pair('stop.ts and start.ts', m.offAndOn, m.offAndOnByHand),
    ...pair('snapshot.ts save', m.save, m.saveByHand),
    ...pair('snapshot.ts revert', m.revert, m.revertByHand),
  ]
}

const isWanted = (part: string) => only === undefined || only === part

if (isWanted('machines')) {
  const machines = await machineSeconds(runs)
  results.machines = machines
  show(`MACHINES, MEDIAN OF ${runs}`, machineRows(machines))
}
if (isWanted('cluster')) {
  const { ours, oneByOne } = await clusterCosts()
  results.cluster = { ours, oneByOne }
  const size = ({ bytes }: { bytes: number }) =>
    `${(bytes / 2 ** 20).toFixed(1)} MiB from the mirror`
  show('CLUSTER OF 3, MACHINES READY TO ALL NODES READY', [
    ['install-rke2.ts and join.ts', seconds(ours.seconds), size(ours)],
    [
      'each node by itself, one after another',
      seconds(oneByOne.seconds),
      `${size(oneByOne)}; ${times(oneByOne.seconds, ours.seconds)} times ours`,
    ],
  ])
}
if (isWanted('day-two')) {
  const dayTwo = await dayTwoSeconds(runs)
  results.dayTwo = dayTwo
  show(`CLUSTER OF 2, OFF TO ALL NODES READY, MEDIAN OF ${runs}`, dayTwoRows(dayTwo))
}
writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
