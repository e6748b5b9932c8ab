#!/usr/bin/env zx
// Upgrade: RKE2 becomes the version in the lab file, one node at a time, servers first. Safe to run again.
import { checkNoDrill } from '../lib/drills/drills.ts'
import type { Node } from '../lib/lab/lab.ts'
import { lookAtSnapshots } from '../lib/machine/snapshot-steps.ts'
import { revertLab, saveLabOnce } from '../lib/moment.ts'
import { phase } from '../lib/phase.ts'
import { bringRelease } from '../lib/rke2/artifacts.ts'
import { bringBack } from '../lib/rke2/back.ts'
import { lookAtCluster } from '../lib/rke2/cluster.ts'
import { ingressOf } from '../lib/rke2/config.ts'
import { readEdited } from '../lib/rke2/service.ts'
import { checkVersions, planPreflight } from '../lib/rke2/upgrade-checks.ts'
import { snapshotName } from '../lib/rke2/upgrade-path.ts'
import {
  isBegun,
  leaderOf,
  notSaved,
  planNode,
  planSnapshot,
  planUpgrade,
  stopped,
} from '../lib/rke2/upgrade.ts'
import { inOrder } from '../lib/shell/steps.ts'
import { line, script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'upgrade', async ({ lab, options, shell }) => {
  const before = snapshotName(lab.rke2.version)
  const { snapshot, rollback } = options.flags
  const saves = snapshot || rollback ? await lookAtSnapshots(lab) : undefined
  const ways = {
    ...options,
    off: false,
    bringBack: (nodes: Node[], known: boolean) =>
      bringBack(lab, nodes, options.timeout, shell, known),
  }
  if (!rollback) checkNoDrill(lab)
  if (saves && rollback) {
    if (!saves.all.some(({ name }) => name === before)) throw notSaved(before)
    await revertLab(lab, saves, before, { ...ways, save: false }, shell)
    return { next: line('# write the old version into the lab file, then: ', script('status')) }
  }

  const edited = readEdited(lab, options.lab, { manifests: false }) // reports problems before anything changes
  const seen = await shell.look('Look at the nodes', () => lookAtCluster(lab, lab.nodes))
  if (seen.lacking.length > 0) await shell.apply(inOrder('Find a server', seen.lacking))
  const ingress = ingressOf(lab, edited.server, seen.leader.state.ingress)
  await checkVersions(lab, seen, ingress)

  const more = { ingress, seconds: options.timeout, drains: !options.flags['no-drain'] }
  const leader = await leaderOf(lab, seen, options.timeout, shell)
  const upgrade = planUpgrade(lab, seen, leader, more)
  if (upgrade.todo.length > 0) {
    await shell.apply(planPreflight(upgrade))
    await bringRelease(lab, shell, ingress)
    if (saves && !isBegun(upgrade)) await saveLabOnce(lab, saves, before, ways, shell)
    for (const stage of planSnapshot(upgrade)) await shell.apply(stage)
  }
  for (const one of upgrade.todo)
    await shell.apply(planNode(upgrade, one)).catch((error: unknown) => {
      throw stopped(upgrade, one, error)
    })
  return {
    idle: `nothing to do: every node runs RKE2 ${lab.rke2.version}`,
    next: script('status'),
  }
})
