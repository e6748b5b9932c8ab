#!/usr/bin/env zx
// Snapshot: the disks of all machines at one moment, and the whole lab back to it. Safe to run again.
import { checkNoDrill } from '../lib/drills/drills.ts'
import { readNote, removeNote } from '../lib/drills/note.ts'
import { checkAccess } from '../lib/guest/keys.ts'
import type { Node } from '../lib/lab/lab.ts'
import { lookAtSnapshots, removal } from '../lib/machine/snapshot-steps.ts'
import { findSnapshot } from '../lib/machine/snapshots.ts'
import { revertLab, saveLab } from '../lib/moment.ts'
import { phase } from '../lib/phase.ts'
import { bringBack, nextPhase } from '../lib/rke2/back.ts'
import { asJson, asTable, inWords } from '../lib/snapshot-list.ts'
import { inOrder } from '../lib/shell/steps.ts'
import { LabError, script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'snapshot', async ({ lab, options, shell }) => {
  const [verb, name = ''] = options.words
  const saves = await lookAtSnapshots(lab)
  const { seen, all } = saves
  if (verb === 'list') return console.log(options.json ? asJson(lab, saves) : asTable(saves))
  if (verb === 'remove') {
    if (!all.some((one) => one.name === name))
      return { idle: `nothing to do: there is no snapshot called ${name}` }
    const one = findSnapshot(name, all)
    if (!(await shell.ask(`Remove ${name}?`, [inWords(one)], options.yes)))
      throw new LabError('nothing was removed')
    await shell.apply(removal(one))
    return { next: script('snapshot', 'list') }
  }

  if (verb === 'save') checkNoDrill(lab)
  const ways = {
    ...options,
    ...options.flags,
    bringBack: (nodes: Node[], known: boolean) =>
      bringBack(lab, nodes, options.timeout, shell, known),
  }
  if (!ways.off) checkAccess(lab, seen)
  const change = verb === 'revert' ? revertLab : saveLab
  const others = await change(lab, saves, name, ways, shell)
  if (readNote(lab)) await shell.apply(inOrder('End the drill', [removeNote(lab)]))
  return {
    idle: `nothing to do: ${name} is what is on the disks`,
    next: others ? nextPhase(lab, others) : script('start'),
  }
})
