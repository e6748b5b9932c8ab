// EDGE. All drills, and the one that a lab is in.
import type { Lab } from '../lab/lab.ts'
import { firstServer } from '../rke2/cluster.ts'
import { LabError, script, UsageError } from '../text/errors.ts'
import { table } from '../text/table.ts'
import { clusterDrills } from './cluster-drills.ts'
import { nodeFor, type Drill, type Place } from './drill.ts'
import { machineDrills } from './machine-drills.ts'
import { networkDrills } from './network-drills.ts'
import { readNote, removeNote, type Note } from './note.ts'
import { serverDrills } from './server-drills.ts'

export const drills: Drill[] = [
  ...clusterDrills,
  ...serverDrills,
  ...machineDrills,
  ...networkDrills,
]

/** A drill that is begun now, by its name; `any` for any of those that this lab can do. */
export function beginDrill(lab: Lab, name: string, chance: number, now: number): Current {
  const { drill, node } = chooseDrill(lab, name, chance)
  const note = { drill: drill.name, node: node.name, since: now, isSet: false, clues: 0 }
  return { note, drill, node }
}

function chooseDrill(lab: Lab, name: string, chance: number): Pick<Current, 'drill' | 'node'> {
  const all = drills.map((drill) => ({ drill, node: nodeFor(drill, lab) }))
  const possible = all.flatMap(({ drill, node }) =>
    typeof node === 'string' ? [] : [{ drill, node }],
  )
  const one =
    name === 'any'
      ? possible[Math.floor(chance * possible.length)]
      : possible.find(({ drill }) => drill.name === name)
  if (one) return one
  const hint = script('drill', 'list')
  const why = all.find(({ drill }) => drill.name === name)?.node
  if (typeof why !== 'string') throw new UsageError(`there is no drill called ${name}`, { hint })
  throw new LabError(`${name} ${why}`, { hint })
}

export interface Current {
  note: Note
  drill: Drill
  node: Place['node']
}

/** The drill that the lab is in; undefined for none. Throws if its node is no longer in the lab file. */
export function currentDrill(lab: Lab): Current | undefined {
  const note = readNote(lab)
  if (!note) return undefined
  const drill = drills.find(({ name }) => name === note.drill)
  const node = lab.nodes.find(({ name }) => name === note.node)
  if (drill && node) return { note, drill, node }
  throw new LabError(
    `the drill ${note.drill} is on, and ${drill ? `${note.node} is not in the lab file` : 'this version does not know it'}`,
    {
      hint: [
        '# put that back, then:',
        script('drill', 'undo'),
        `# or, if its machine is gone: ${removeNote(lab).bash}`,
      ],
    },
  )
}

/** Throws if the fault is not in yet. */
export function checkBegun({ note, drill }: Current): void {
  if (note.isSet) return
  throw new LabError(`the start of ${drill.name} was interrupted`, {
    hint: [script('drill', 'start', drill.name), script('drill', 'undo')],
  })
}

/** Throws while a drill is on: what is saved or changed then would have its fault. */
export function checkNoDrill(lab: Lab): void {
  if (readNote(lab))
    throw new LabError('a drill is on: something in this lab is broken on purpose', {
      hint: choices,
    })
}

/** What a person is to do while a drill is on. */
export const choices = ['hint', 'check', 'undo'].map((verb) => script('drill', verb))

/** The drills as a table. */
export function drillTable(lab: Lab): string {
  const server = firstServer(lab)
  const rows = drills.map((one) => {
    const node = nodeFor(one, lab)
    return [one.name, typeof node === 'string' ? node : one.symptom({ lab, node, server })]
  })
  return table(['DRILL', 'WHAT YOU WILL SEE'], rows)
}
