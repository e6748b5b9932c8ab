#!/usr/bin/env zx
// Destroy: removes what create made, and nothing else, after showing it and asking. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { stillMembers } from '../lib/guest/still-member.ts'
import { leftOut } from '../lib/libvirt/hosts.ts'
import { stillThere, findOwn, removal } from '../lib/machine/destroy.ts'
import { keptBackups, leftOvers } from '../lib/machine/destroy-files.ts'
import { phase } from '../lib/phase.ts'
import { LabError, line, script, UsageError } from '../lib/text/errors.ts'
import { warning } from '../lib/text/findings.ts'

await phase(import.meta.url, 'destroy', async ({ lab, nodes, options, shell }) => {
  const named = options.nodes.length > 0 ? nodes : []
  const withImages = options.flags.images
  if (named.length > 0 && withImages)
    throw new UsageError('--images is for the whole lab: name no nodes with it')

  const own = await findOwn(lab, named, withImages, shell)
  const trouble =
    named.length > 0
      ? leftOut(own.seen, named, script('destroy', ...options.nodes))
      : stillThere(lab, own.seen)
  for (const text of own.leftAlone) ui.warn(`left alone: ${text}`)
  if (named.length === 0)
    for (const folder of keptBackups(lab)) ui.warn(`left alone: the backups in ${folder}`)
  if (own.isNothing) {
    await shell.apply(leftOvers(lab, own.seen))
    const where = Object.keys(lab.hosts).length > 0 ? 'its hosts' : 'this host'
    return { trouble, idle: `nothing to remove: nothing of this lab is on ${where}` }
  }

  for (const name of await stillMembers(lab, own.named)) {
    const found = `${name} is still a node of it: its pods end abruptly, and its Node stays`
    ui.finding(warning('cluster', found, line('# better: ', script('remove', name))))
  }
  if (!(await shell.ask('Remove all this?', own.about, options.yes)))
    throw new LabError('nothing was removed')
  for (const stage of removal(lab, own)) await shell.apply(stage)
  return { trouble, next: line(script('create', ...options.nodes), '   (to start over)') }
})
