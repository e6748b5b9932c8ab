#!/usr/bin/env zx
// Phase 2 - eject: the seed medium is no longer needed. It holds the private host key, and a machine might not start
// once its medium is deleted. Safe to run again.
import { observe } from '../lib/libvirt/observe.ts'
import { pair } from '../lib/libvirt/ownership.ts'
import { readAgain } from '../lib/libvirt/volumes.ts'
import { openPool } from '../lib/machine/create.ts'
import { checkMachines } from '../lib/machine/drift.ts'
import { findSeeds, planEject, planQuestion } from '../lib/machine/eject.ts'
import { phase } from '../lib/phase.ts'
import { forEach } from '../lib/shell/steps.ts'
import { script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'eject', async ({ lab, nodes, options, shell }) => {
  const force = options.flags.force
  const seen = await observe(lab)
  if (seen.pool) await openPool(lab, seen, shell)
  const host = seen.pool?.active === false ? await readAgain(lab, seen) : seen
  const machines = pair(lab, host, nodes)
  checkMachines(lab, machines)
  const left = await findSeeds(lab, machines, host)

  if (left.length > 0)
    await shell.apply(forEach('Ask cloud-init', left, (seeded) => planQuestion(lab, seeded, force)))
  await shell.apply(forEach('Eject', left, (seeded) => planEject(lab, seeded, force)))
  return {
    idle: 'nothing to do: no machine has its seed any more',
    next: script('install-rke2'),
  }
})
