#!/usr/bin/env zx
// Stop: shuts the machines down, agents first, servers last. The disks keep everything. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { observe } from '../lib/libvirt/observe.ts'
import { pair } from '../lib/libvirt/ownership.ts'
import { checkMade } from '../lib/machine/drift.ts'
import { isOn, lostQuorum, shutDownInOrder } from '../lib/machine/power.ts'
import { phase } from '../lib/phase.ts'
import { script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'stop', async ({ lab, nodes, options, shell }) => {
  const host = await observe(lab)
  const machines = pair(lab, host, nodes)
  if (options.nodes.length > 0) checkMade(machines)
  const warning = lostQuorum(pair(lab, host), nodes)
  if (warning && machines.some(isOn)) ui.warn(warning)

  await shutDownInOrder(lab, machines, options, shell)
  return {
    idle: 'nothing to do: every machine is off',
    next: script('start', ...options.nodes),
  }
})
