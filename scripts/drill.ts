#!/usr/bin/env zx
// Drill: breaks one thing in the lab on purpose, gives hints, checks the repair, and undoes it. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { beginDrill, checkBegun, choices, currentDrill, drillTable } from '../lib/drills/drills.ts'
import { showClue, showEnd } from '../lib/drills/show.ts'
import { checkRepair, putIn, takeOut } from '../lib/drills/run-drill.ts'
import { phase } from '../lib/phase.ts'
import { LabError, script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'drill', async ({ lab, options, shell }) => {
  const [verb, name = ''] = options.words
  if (verb === 'list') return console.log(drillTable(lab))
  const current = currentDrill(lab)
  if (verb === 'start') {
    if (current?.note.isSet) throw new LabError('a drill is on already', { hint: choices })
    if (current && ![current.drill.name, 'any'].includes(name)) checkBegun(current)
    const one = current ?? beginDrill(lab, name, Math.random(), Date.now())
    const about = ['one thing in it stops working; drill.ts undo repairs it', one.drill.costs ?? []]
    if (!(await shell.ask(`Break lab ${lab.name} on purpose?`, about.flat(), options.yes)))
      throw new LabError('nothing was changed')
    const seen = await putIn(lab, one, !current, shell)
    if (seen) ui.warn(seen)
    return { next: choices }
  }
  if (!current) return { idle: 'nothing to do: no drill is on', next: script('drill', 'list') }
  if (verb !== 'undo') checkBegun(current)
  if (verb === 'hint') {
    showClue(lab, current, shell)
    return { next: choices }
  }
  const at =
    verb === 'check'
      ? await checkRepair(lab, current, shell)
      : await takeOut(lab, current, options.timeout, shell)
  if (at) showEnd(current, at, verb === 'check' ? 'repaired' : 'undone', Date.now())
  return { next: script('drill', 'list') }
})
