#!/usr/bin/env zx
// Status: the machines of the lab in one table. Changes nothing.
import * as ui from '../lib/cli/ui.ts'
import { choices } from '../lib/drills/drills.ts'
import { readNote } from '../lib/drills/note.ts'
import { phase } from '../lib/phase.ts'
import { manifestStatus, manifestTable } from '../lib/rke2/addons.ts'
import { listManifests } from '../lib/rke2/manifest-files.ts'
import { statusTable } from '../lib/status-table.ts'
import { cluster } from '../lib/rke2/status.ts'
import { vipLine } from '../lib/rke2/vip.ts'
import { lookAtVip } from '../lib/rke2/vip-steps.ts'
import { labStatus } from '../lib/status.ts'
import { asOne } from '../lib/text/errors.ts'

await phase(import.meta.url, 'status', async ({ lab, nodes, options }) => {
  const [{ nodes: all, told, unseen }, vip] = await Promise.all([
    labStatus(lab, nodes, cluster),
    lookAtVip(lab),
  ])
  const manifests = manifestStatus(listManifests(lab), told)
  const silent = lab.nodes.filter(({ role }) => role === 'server').length - told.length
  const shown = [manifestTable(manifests, silent), vip ? vipLine(vip) : ''].join('')
  const whole = { lab: lab.name, nodes: all, manifests, ...(vip && { vip }) }
  if (options.json) console.log(JSON.stringify(whole, null, 2))
  else console.log(statusTable(all, process.stdout.columns ?? Infinity) + shown)
  if (unseen.length > 0) throw asOne(unseen) // after showing what is known
  if (!readNote(lab)) return
  ui.warn('a drill is on: something in this lab is broken on purpose')
  return { next: choices }
})
