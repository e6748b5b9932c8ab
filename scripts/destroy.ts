#!/usr/bin/env zx
// Destroy: removes what create made, and nothing else, after showing it and asking. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { stillMembers } from '../lib/guest/still-member.ts'
import { isNothing } from '../lib/machine/destroy-plan.ts'
import { findOwn, keptBackups, leftOvers, removal } from '../lib/machine/destroy.ts'
import { phase } from '../lib/phase.ts'
import { LabError, line, script, UsageError } from '../lib/text/errors.ts'
import { warning } from '../lib/text/findings.ts'

await phase(import.meta.url, 'destroy', async ({ lab, nodes, options, shell }) => {
  const named = options.nodes.length > 0 ? nodes : []
  const withImages = options.flags.images
  if (named.length > 0 && withImages)
    throw new UsageError('--images is for the whole lab: name no nodes with it')

  const { plan, files, about } = await findOwn(lab, named, withImages, shell)
  for (const text of plan.leftAlone) ui.warn(`left alone: ${text}`)
  if (named.length === 0)
    for (const folder of keptBackups(lab)) ui.warn(`left alone: the backups in ${folder}`)
  if (isNothing(plan) && files.length === 0) {
    await shell.apply(leftOvers(lab))
    return { idle: 'nothing to remove: nothing of this lab is on this host' }
  }

  for (const name of await stillMembers(lab, named)) {
    const found = `${name} is still a node of it: its pods end abruptly, and its Node stays`
    ui.finding(warning('cluster', found, line('# better: ', script('remove', name))))
  }
  if (!(await shell.ask('Remove all this?', about, options.yes)))
    throw new LabError('nothing was removed')
  for (const stage of removal(lab, plan, named)) await shell.apply(stage)
  return { next: line(script('create', ...options.nodes), '   (to start over)') }
})
