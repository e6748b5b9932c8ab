#!/usr/bin/env zx
// Backup: saves the state of the cluster, with what is needed to restore it elsewhere, as one file on this host.
import * as ui from '../lib/cli/ui.ts'
import { phase } from '../lib/phase.ts'
import { backupsOf } from '../lib/rke2/backup-file.ts'
import { checkLeader, planBackup, readKeep } from '../lib/rke2/backup.ts'
import { lookAtCluster } from '../lib/rke2/cluster.ts'
import { inOrder } from '../lib/shell/steps.ts'
import { line, script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'backup', async ({ lab, options, shell }) => {
  const keep = readKeep(options.values.keep)
  const { leader, lacking } = await shell.look('Look at the servers', () => lookAtCluster(lab, []))
  if (lacking.length > 0) await shell.apply(inOrder('Find a server', lacking))
  const nodes = checkLeader(lab, leader)

  const before = backupsOf(lab)
  for (const stage of planBackup(lab, options.lab, leader, nodes, keep)) await shell.apply(stage)
  const made = backupsOf(lab).find((file) => !before.includes(file))
  if (made) ui.good(`saved in ${made}: whoever has this file has the cluster`)
  return { next: line(script('restore', ...(made ? [made] : [])), '   (puts the cluster back)') }
})
