#!/usr/bin/env zx
// Restore: puts the cluster back to a backup, on the machines that it was made on or on new ones. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { phase } from '../lib/phase.ts'
import { isWhole, readBackup } from '../lib/rke2/backup-file.ts'
import { lookAtCluster } from '../lib/rke2/cluster.ts'
import { nextHint, planKubeconfig } from '../lib/rke2/kubeconfig-files.ts'
import { restoreText, rolesOf } from '../lib/rke2/restore-roles.ts'
import { planRestore } from '../lib/rke2/restore.ts'
import { checkVipRestored } from '../lib/rke2/vip-checks.ts'
import { reached, readEdited } from '../lib/rke2/service.ts'
import { forEach, inOrder } from '../lib/shell/steps.ts'
import { LabError, script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'restore', async ({ lab, nodes, options, shell }) => {
  const edited = readEdited(lab, options.lab, { manifests: false }) // reports problems before anything changes
  const backup = await shell.look('Read the backup', () => readBackup(lab, options.operand))
  const { all } = await shell.look('Look at the nodes', () => lookAtCluster(lab, nodes))
  const silent = all.filter(({ trouble }) => trouble)
  if (silent.length > 0) await shell.apply(forEach('Reach the nodes', silent, reached))

  const restoring = { lab, edited, backup, all, seconds: options.timeout }
  const roles = rolesOf(restoring)
  const { leader, servers, fresh } = roles
  checkVipRestored(lab, [leader, ...servers])
  if (leader.state.config !== backup.config)
    ui.warn(`config.yaml of ${leader.name} is not what it was: tar -xOf ${backup.file} config.yaml`)
  if (!(await shell.ask('Restore it?', restoreText(restoring, roles), options.yes)))
    throw new LabError('nothing was restored')
  await shell.apply(inOrder('Check that the backup is complete', [isWhole(backup.file)]))
  for (const stage of planRestore(restoring, roles)) await shell.apply(stage)

  await shell.apply(inOrder('Kubeconfig', planKubeconfig(lab, leader.node, undefined)))
  return { next: await nextHint(lab, leader.node, fresh.length > 0 ? script('join') : undefined) }
})
