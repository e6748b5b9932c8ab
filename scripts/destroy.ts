#!/usr/bin/env zx
// Destroy: removes what create made, and nothing else, after showing it and asking. Safe to run again.
import { ask } from '../lib/cli/ask.ts'
import * as logs from '../lib/libvirt/console.ts'
import { destroyPlan, isNothing, planText } from '../lib/machine/destroy-plan.ts'
import * as remove from '../lib/machine/destroy.ts'
import { LabError, UsageError } from '../lib/text/errors.ts'
import { observe } from '../lib/libvirt/observe.ts'
import { tagPlace } from '../lib/libvirt/ownership.ts'
import { readInVolumes } from '../lib/libvirt/volumes.ts'
import { ensurePool } from '../lib/machine/create.ts'
import { eachOf, next, phase, step } from '../lib/phase.ts'
import { mode } from '../lib/shell/shell.ts'
import * as ui from '../lib/cli/ui.ts'
import { destroy } from '../lib/cli/usages.ts'

await phase(import.meta.url, destroy, async ({ lab, nodes, options }) => {
  const named = options.nodes.length > 0 ? nodes : []
  if (named.length > 0 && options.flags.has('images'))
    throw new UsageError('--images is for the whole lab: name no nodes with it')
  const first = await observe(lab)
  const isOff = first.pool?.uuid === lab.pool.uuid && !first.pool.active // then it shows no volumes
  const { volumeNames } = isOff ? await step('Storage pool', () => ensurePool(lab, first)) : first
  const host = await observe(lab, volumeNames)
  const seeds = volumeNames.filter((name) => name.endsWith('-seed.iso'))
  const tags = await readInVolumes(lab, seeds, tagPlace)
  const plan = destroyPlan(lab, named, host, tags, options.flags.has('images'))
  const files = remove.labFiles(lab, named)
  for (const text of plan.leftAlone) ui.warn(`left alone: ${text}`)

  if (isNothing(plan) && files.length === 0) {
    await logs.dropLeftOver(lab)
    remove.forgetFolder(lab)
    return ui.good('nothing to remove: nothing of this lab is on this host')
  }
  const about = planText(lab, plan, logs.logFiles(plan.names), files)
  if (!mode.dryRun && !(await ask('Remove all this?', about, options.yes)))
    throw new LabError('nothing was removed')

  await step('Domains', () => eachOf(plan.domains, (domain) => remove.removeDomain(lab, domain)))
  await step('Volumes', () => remove.removeStorage(lab, plan))
  await step('Logs', () => logs.removeLogs(lab, plan.names))
  await step('Files', () => remove.removeFiles(lab, named))
  next(
    `npx zx ${['scripts/create.ts', ...named.map(({ name }) => name)].join(' ')}   (to begin anew)`,
  )
})
