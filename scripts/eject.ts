#!/usr/bin/env zx
// Phase 2 - eject: the seed medium has done its work; it holds the private host key, and a machine whose
// medium is gone might not start. Safe to run again.
import { checkInitDone, ejectSeed, isEjected, seedPlaces } from '../lib/machine/eject.ts'
import { observe } from '../lib/libvirt/observe.ts'
import { ensurePool } from '../lib/machine/create.ts'
import { eachOf, look, next, phase, step } from '../lib/phase.ts'
import { mode } from '../lib/shell/shell.ts'
import * as ui from '../lib/cli/ui.ts'

await phase(import.meta.url, 'eject', async ({ lab, nodes, options }) => {
  const found = await observe(lab)
  const isOff = found.pool && !found.pool.active // then it shows no volumes
  const host = isOff ? await step('Storage pool', () => ensurePool(lab, found)) : found
  const force = options.flags.force
  const places = new Map(nodes.map((node) => [node, seedPlaces(lab, node, host)]))
  const left = nodes.filter((node) => !isEjected(places.get(node)!))

  if (!force && left.length > 0)
    await look('Ask cloud-init', () => eachOf(left, (node) => checkInitDone(lab, node, host)))
  await step('Eject', () =>
    eachOf(left, (node) => ejectSeed(lab, node, host, places.get(node)!, force)),
  )
  if (mode.changes === 0) ui.good('nothing to do: no machine has its seed any more')
  next('npx zx scripts/install-rke2.ts')
})
