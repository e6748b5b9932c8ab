#!/usr/bin/env zx
// Stop: shuts the machines down, agents first, servers last. The disks keep everything. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { answeringNodes, leftOut, observeHosts, pairAll } from '../lib/libvirt/hosts.ts'
import { checkMachines, checkMade } from '../lib/machine/drift.ts'
import { isOn, lostQuorum, shutDownInOrder } from '../lib/machine/power.ts'
import { phase } from '../lib/phase.ts'
import { script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'stop', async ({ lab, nodes, options, shell }) => {
  const seen = await observeHosts(lab)
  const machines = pairAll(seen, answeringNodes(seen, nodes))
  checkMachines(
    lab,
    machines.filter(({ elsewhere }) => elsewhere),
  )
  if (options.nodes.length > 0) checkMade(machines)
  const warning = lostQuorum(lab, pairAll(seen, lab.nodes), nodes)
  if (warning && machines.some(isOn)) ui.warn(warning)

  await shutDownInOrder(lab, machines, options, shell)
  return {
    trouble: leftOut(seen, nodes, script('stop', ...options.nodes)),
    idle: 'nothing to do: every machine is off',
    next: script('start', ...options.nodes),
  }
})
