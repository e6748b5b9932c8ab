// EDGE. Reads the snapshots of domains.
import type { Lab } from '../lab/lab.ts'
import { quote } from '../text/quote.ts'
import { words } from './host.ts'
import type { Seen } from './hosts.ts'
import type { Machine } from './ownership.ts'
import { parseSnapshot, type Snapshot } from './snapshot-xml.ts'
import { ask, readable } from './virsh.ts'
import { readInVolumes } from './volumes.ts'

/** All snapshots of these domains, in two virsh processes. */
export async function readSnapshots(lab: Lab, machines: string[]): Promise<Snapshot[]> {
  if (machines.length === 0) return []
  const lists = await ask(
    lab,
    machines.map((name) => [name, `snapshot-list ${name} --name`]),
  )
  const all = machines.flatMap((machine) =>
    words(lists(machine) ?? '').map((name) => ({
      machine,
      label: `${machine}/${name}`,
      command: `snapshot-dumpxml ${machine} --snapshotname ${quote(name)}`,
    })),
  )
  if (all.length === 0) return []
  const details = await ask(
    lab,
    all.map(({ label, command }) => [label, command]),
  )
  return all.flatMap(({ machine, label, command }) => {
    const xml = details(label)
    if (xml === undefined) return [] // the machine was removed since
    const snapshot = parseSnapshot(lab, machine, xml)
    return [readable(lab, snapshot, snapshot.name && snapshot.state, command)]
  })
}

/** How many snapshots each of these qcow2 volumes holds, by its header; without those of which it cannot be told. */
export async function countInVolumes(lab: Lab, volumes: string[]): Promise<Map<string, number>> {
  const found = await readInVolumes(lab, volumes, { offset: 60, length: 4 })
  return new Map(
    [...found].flatMap(([name, bytes]): [string, number][] =>
      /^\0\0\0[^]$/.test(bytes) ? [[name, bytes.charCodeAt(3)]] : [],
    ),
  )
}

/** The same for the disks of machines on several hosts. */
export async function countAll({ sites }: Seen, machines: Machine[]): Promise<Map<string, number>> {
  const counts = sites.map(({ lab }) => {
    const own = machines.filter(({ node }) => lab.nodes.includes(node))
    return countInVolumes(
      lab,
      own.flatMap(({ disk, more = [] }) => [disk ?? [], more].flat()).map(({ name }) => name),
    )
  })
  return new Map((await Promise.all(counts)).flatMap((one) => [...one]))
}
