#!/usr/bin/env zx
// Start: the machines are switched on, all servers at the same time, until every node is Ready. Safe to run again.
import { checkAccess } from '../lib/guest/keys.ts'
import { answeringNodes, leftOut, observeHosts, pairAll } from '../lib/libvirt/hosts.ts'
import { checkMachines, checkMade } from '../lib/machine/drift.ts'
import { switchOn } from '../lib/machine/power.ts'
import { phase } from '../lib/phase.ts'
import { bringBack, nextPhase } from '../lib/rke2/back.ts'
import { script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'start', async ({ lab, nodes, options, shell }) => {
  const seen = await observeHosts(lab)
  const there = answeringNodes(seen, nodes)
  const machines = pairAll(seen, there)
  checkAccess(lab, seen)
  checkMachines(lab, machines)
  checkMade(machines)

  await switchOn(lab, seen, machines, options.timeout, shell)
  const others = await bringBack(lab, there, options.timeout, shell)
  return {
    trouble: leftOut(seen, nodes, script('start', ...options.nodes)),
    idle: 'nothing to do: every machine is on, and every node is Ready',
    next: nextPhase(lab, others),
  }
})
