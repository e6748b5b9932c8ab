#!/usr/bin/env zx
// Snapshot: the disks of all machines at one moment, and the whole lab back to it. Safe to run again.
import { checkAccess } from '../lib/guest/keys.ts'
import { switchOn } from '../lib/machine/power.ts'
import {
  lookAtSnapshots,
  removal,
  revert,
  save,
  switchedOff,
} from '../lib/machine/snapshot-steps.ts'
import { findSnapshot } from '../lib/machine/snapshots.ts'
import { phase } from '../lib/phase.ts'
import { bringBack, nextPhase } from '../lib/rke2/back.ts'
import { asJson, asTable, inWords } from '../lib/snapshot-list.ts'
import { LabError, script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'snapshot', async ({ lab, options, shell }) => {
  const [verb, name = ''] = options.words
  const saves = await lookAtSnapshots(lab)
  const { host, machines, all } = saves
  if (verb === 'list') return console.log(options.json ? asJson(lab, saves) : asTable(saves))
  if (verb === 'remove') {
    if (!all.some((one) => one.name === name))
      return { idle: `nothing to do: there is no snapshot called ${name}` }
    const one = findSnapshot(lab, name, all)
    if (!(await shell.ask(`Remove ${name}?`, [inWords(one)], options.yes)))
      throw new LabError('nothing was removed')
    await shell.apply(removal(lab, one))
    return { next: script('snapshot', 'list') }
  }

  const isRevert = verb === 'revert'
  const ways = { ...options, ...options.flags, about: inWords }
  if (!ways.off) checkAccess(lab, host)
  if (isRevert) await revert(lab, saves, name, ways, shell)
  const back = isRevert ? machines.map(switchedOff) : await save(lab, saves, name, ways, shell)
  const idle = `nothing to do: ${name} is what is on the disks`
  if (ways.off || back.length === 0) return { idle, next: script('start') }
  const areOn = await switchOn(lab, host, back, options.timeout, shell)
  const backNodes = back.map(({ node }) => node)
  const others = await bringBack(lab, backNodes, options.timeout, shell, areOn || !isRevert)
  return { idle, next: nextPhase(lab, others) }
})
