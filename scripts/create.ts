#!/usr/bin/env zx
// Phase 1 - create: from lab.yaml to running machines that are reachable by SSH and fully initialised.
// Safe to run again: it looks at what is there and does what is missing.
import { ensureBaseVolume } from '../lib/machine/base-volume.ts'
import { checkHost, knockAll } from '../lib/doctor/examine.ts'
import { differences, otherAddress } from '../lib/machine/drift.ts'
import { NodeErrors } from '../lib/text/errors.ts'
import { findImage } from '../lib/download/image.ts'
import { observe } from '../lib/libvirt/observe.ts'
import { ownDomain } from '../lib/libvirt/ownership.ts'
import { ensureMachine, ensureNetwork, ensurePool, ensureStarted } from '../lib/machine/create.ts'
import { eachOf, look, next, phase, step, together } from '../lib/phase.ts'
import { waitUntilReady } from '../lib/guest/ready.ts'
import { checkAccess, checkUserConfig, ensureKeys, makeSeeds } from '../lib/machine/seed.ts'
import { mode } from '../lib/shell/shell.ts'
import * as ui from '../lib/cli/ui.ts'

await phase(import.meta.url, 'create', async ({ lab, nodes, options }) => {
  const knocks = knockAll(lab, nodes) // meanwhile
  const host = await observe(lab)
  const fresh = nodes.filter((node) => !ownDomain(host, lab, node))
  checkAccess(
    lab,
    host.domains.some(({ owner }) => owner?.lab === lab.name),
  )
  const moved = nodes.flatMap((node) => otherAddress(node, host) ?? [])
  if (moved.length > 0) throw new NodeErrors(moved)
  for (const node of nodes)
    for (const text of differences(node, host))
      ui.warn(`${node.name}: ${text}; that is not changed in a machine that exists`)

  if (fresh.length > 0) {
    checkUserConfig()
    const [type, image] = await look('Check the host', () =>
      together(
        () => checkHost(lab, nodes, host, knocks),
        () => findImage(lab),
      ),
    )
    await step('SSH and host keys', () => ensureKeys(lab, fresh))
    const pooled = await step('Storage pool', () => ensurePool(lab, host, [image.volume]))
    await step('Network', () => ensureNetwork(lab, host))
    await step('Base image and seeds', () =>
      together(
        () => ensureBaseVolume(lab, pooled, image),
        () => makeSeeds(lab, fresh, pooled),
      ),
    )
    const parts = { base: image.volume, type }
    await step('Machines', () => eachOf(nodes, (node) => ensureMachine(lab, node, pooled, parts)))
  } else {
    await ensureKeys(lab, [])
    await step('Network', () => ensureNetwork(lab, host))
    await step('Machines', () => eachOf(nodes, (node) => ensureStarted(lab, node, host)))
  }
  await look('Wait', () => waitUntilReady(lab, nodes, options.timeout))
  if (mode.changes === 0) ui.good('nothing to do: every machine is there and ready')
  next('npx zx scripts/eject.ts')
})
