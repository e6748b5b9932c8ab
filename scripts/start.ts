#!/usr/bin/env zx
// Start: the machines are switched on, all servers at the same time, until every node is Ready. Safe to run again.
import { checkAccess } from '../lib/guest/keys.ts'
import { observe } from '../lib/libvirt/observe.ts'
import { pair } from '../lib/libvirt/ownership.ts'
import { checkMachines, checkMade } from '../lib/machine/drift.ts'
import { switchOn } from '../lib/machine/power.ts'
import { phase } from '../lib/phase.ts'
import { bringBack, nextPhase } from '../lib/rke2/back.ts'

await phase(import.meta.url, 'start', async ({ lab, nodes, options, shell }) => {
  const host = await observe(lab)
  const machines = pair(lab, host, nodes)
  checkAccess(lab, host)
  checkMachines(lab, machines)
  checkMade(machines)

  await switchOn(lab, host, machines, options.timeout, shell)
  const others = await bringBack(lab, nodes, options.timeout, shell)
  return {
    idle: 'nothing to do: every machine is on, and every node is Ready',
    next: nextPhase(lab, others),
  }
})
