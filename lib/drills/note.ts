// EDGE. The note of the drill that a lab is in, on this host.
import type { Lab } from '../lab/lab.ts'
import { readText } from '../shell/bash.ts'
import { sh, type Run, type Write } from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'

/** Written before the fault is put in, so that whatever happens then can be undone. */
export interface Note {
  drill: string
  node: string
  /** The fault is in, all of it. */
  isSet: boolean
  /** When it was begun, in milliseconds since 1970. */
  since: number
  /** How many clues were shown. */
  clues: number
}

const fileOf = (lab: Lab) => `${lab.dir}/drill.json`

/** The note; undefined if there is none. Throws if it cannot be read. */
export function readNote(lab: Lab): Note | undefined {
  const text = readText(fileOf(lab))
  if (text === undefined) return undefined
  try {
    const note = JSON.parse(text) as Partial<Note>
    const { drill, node, isSet, since, clues } = note
    if (typeof drill === 'string' && typeof node === 'string' && typeof since === 'number')
      return { drill, node, since, isSet: isSet === true, clues: Number(clues) || 0 }
  } catch {
    // said below
  }
  throw new LabError(`${fileOf(lab)} is not the note of a drill`, {
    hint: [
      commandText`cat ${fileOf(lab)}`,
      `# if no drill is on: ${commandText`rm ${fileOf(lab)}`}`,
    ],
  })
}

/** The step that writes it. */
export const writeNote = (lab: Lab, note: Note): Write => ({
  do: 'write',
  path: fileOf(lab),
  content: `${JSON.stringify(note)}\n`,
})

/** The step that removes it. */
export const removeNote = (lab: Lab): Run => sh`rm -f ${fileOf(lab)}`
