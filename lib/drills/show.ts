// EDGE. What a person sees of a drill: one clue after another, and what it was.
import * as ui from '../cli/ui.ts'
import type { Lab } from '../lab/lab.ts'
import { firstServer } from '../rke2/cluster.ts'
import type { Shell } from '../shell/carry-out.ts'
import { formatSeconds } from '../text/progress.ts'
import type { Place } from './drill.ts'
import type { Current } from './drills.ts'
import { writeNote } from './note.ts'

/** Shows the next clue, or the last one again, and counts it. */
export function showClue(lab: Lab, { note, drill, node }: Current, shell: Shell): void {
  const clues = drill.clues({ lab, node, server: firstServer(lab) })
  const number = Math.min(note.clues + 1, clues.length)
  const clue = clues[number - 1]
  if (!clue) throw new Error('every drill has clues')
  const { path, content } = writeNote(lab, { ...note, clues: number })
  shell.remember(path, content)
  ui.finding({
    check: `hint ${number} of ${clues.length}`,
    level: 'ok',
    found: clue.says,
    fix: clue.type ?? [],
  })
}

/** Shows how the drill ended and what it was about. */
export function showEnd({ note, drill }: Current, at: Place, how: string, now: number): void {
  const took = formatSeconds((now - note.since) / 1000)
  const hints = note.clues === 1 ? 'one hint' : `${note.clues || 'no'} hints`
  ui.good(`${how} after ${took}, with ${hints}`)
  ui.good(drill.lesson(at))
}
