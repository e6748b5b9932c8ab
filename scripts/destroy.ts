#!/usr/bin/env zx
// Destroy: removes what create made, and nothing else, after showing it and asking. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { logFiles } from '../lib/libvirt/console-logs.ts'
import { tagPlace } from '../lib/libvirt/ownership.ts'
import { readInVolumes } from '../lib/libvirt/volumes.ts'
import { destroyPlan, isNothing, planText } from '../lib/machine/destroy-plan.ts'
import { keptBackups, labFiles, leftOvers, observeAll, removal } from '../lib/machine/destroy.ts'
import { phase } from '../lib/phase.ts'
import { LabError, line, script, UsageError } from '../lib/text/errors.ts'

await phase(import.meta.url, 'destroy', async ({ lab, nodes, options, shell }) => {
  const named = options.nodes.length > 0 ? nodes : []
  const withImages = options.flags.images
  if (named.length > 0 && withImages)
    throw new UsageError('--images is for the whole lab: name no nodes with it')

  const host = await observeAll(lab, shell)
  const seeds = host.volumeNames.filter((name) => name.endsWith('-seed.iso'))
  const tags = await readInVolumes(lab, seeds, tagPlace)
  const plan = destroyPlan(lab, named, host, tags, withImages)
  const files = labFiles(lab, named)
  for (const text of plan.leftAlone) ui.warn(`left alone: ${text}`)
  if (named.length === 0)
    for (const folder of keptBackups(lab)) ui.warn(`left alone: the backups in ${folder}`)
  if (isNothing(plan) && files.length === 0) {
    await shell.apply(leftOvers(lab))
    return { idle: 'nothing to remove: nothing of this lab is on this host' }
  }

  const about = planText(lab, plan, logFiles(plan.names), files)
  if (!(await shell.ask('Remove all this?', about, options.yes)))
    throw new LabError('nothing was removed')
  for (const stage of removal(lab, plan, named)) await shell.apply(stage)
  return { next: line(script('create', ...options.nodes), '   (to start over)') }
})
