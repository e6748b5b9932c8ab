#!/usr/bin/env zx
// Phase 2 - eject: the seed medium is no longer needed. It holds the private host key, and a machine might not start
// once its medium is deleted. Safe to run again.
import { nodesOn } from '../lib/lab/hosts.ts'
import { answeringNodes, eachSite, leftOut, observeHosts, pairAll } from '../lib/libvirt/hosts.ts'
import { readAgain } from '../lib/libvirt/volumes.ts'
import { openPool } from '../lib/machine/create.ts'
import { checkMachines } from '../lib/machine/drift.ts'
import { findSeeds, planEject, planQuestion } from '../lib/machine/eject.ts'
import { phase } from '../lib/phase.ts'
import { forEach } from '../lib/shell/steps.ts'
import { script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'eject', async ({ lab, nodes, options, shell }) => {
  const force = options.flags.force
  const seen = await eachSite(await observeHosts(lab), async (site) => {
    const { lab: at, host } = site
    if (!host.pool || nodesOn(at, nodes).length === 0) return host
    await openPool(site, shell)
    return host.pool.active ? host : readAgain(at, host)
  })
  const there = answeringNodes(seen, nodes)
  const machines = pairAll(seen, there)
  checkMachines(lab, machines)
  const left = await findSeeds(seen, machines)

  if (left.length > 0)
    await shell.apply(forEach('Ask cloud-init', left, (seeded) => planQuestion(lab, seeded, force)))
  await shell.apply(forEach('Eject', left, (seeded) => planEject(lab, seeded, force)))
  return {
    trouble: leftOut(seen, nodes, script('eject', ...options.nodes)),
    idle: 'nothing to do: no machine has its seed any more',
    next: script('install-rke2'),
  }
})
