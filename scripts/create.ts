#!/usr/bin/env zx
// Phase 1 - create: from lab.yaml to running machines that are reachable by SSH and fully initialised.
// Safe to run again: it checks what exists and does what is missing.
import * as ui from '../lib/cli/ui.ts'
import {
  checkAddressesAgain,
  checkHosts,
  checkNamesOn,
  lookAroundAll,
} from '../lib/doctor/around.ts'
import { typeNow } from '../lib/doctor/kvm.ts'
import { findImage } from '../lib/download/image.ts'
import { checkAccess, planKeys } from '../lib/guest/keys.ts'
import { untilReady } from '../lib/guest/ready.ts'
import { labAt, nodesOn } from '../lib/lab/hosts.ts'
import {
  answeringNodes,
  checkFound,
  leftOut,
  observeHosts,
  pairAll,
  siteOf,
} from '../lib/libvirt/hosts.ts'
import type { Machine } from '../lib/libvirt/ownership.ts'
import { planUploads, withBaseVolumes } from '../lib/machine/base-volume.ts'
import {
  openPool,
  planMachine,
  planNetworks,
  planStart,
  savedBefore,
} from '../lib/machine/create.ts'
import { planEmptyBase } from '../lib/machine/disks.ts'
import { checkMachines, differences } from '../lib/machine/drift.ts'
import { planSeeds, readUserConfig } from '../lib/machine/seed.ts'
import { hasFreeSudo } from '../lib/machine/user-data.ts'
import { phase } from '../lib/phase.ts'
import { together } from '../lib/shell/carry-out.ts'
import { forEach, inOrder } from '../lib/shell/steps.ts'
import { script } from '../lib/text/errors.ts'

const goesBack = 'the lab can only go back to a snapshot of all its machines'

await phase(import.meta.url, 'create', async ({ lab, nodes, options, shell }) => {
  const arounds = lookAroundAll(lab, nodes) // in the background
  const seen = await observeHosts(lab)
  const there = answeringNodes(seen, nodes)
  const machines = pairAll(seen, there)
  checkAccess(lab, seen)
  checkFound(seen, there)
  checkMachines(lab, machines)
  for (const machine of machines) {
    const at = labAt(lab, machine.node)
    const now = typeNow(at, await arounds.get(at.on)!.here)
    for (const text of differences(machine, now)) ui.warn(`${machine.name}: ${text}`)
  }
  const fresh = machines.flatMap(({ node, domain }) => (domain ? [] : [node]))
  const growing = seen.sites.filter((site) => nodesOn(site.lab, fresh).length > 0)

  if (fresh.length > 0) {
    checkNamesOn(
      seen.sites.filter((site) => !growing.includes(site)),
      fresh,
    )
    const saved = (await savedBefore(seen)).join(', ')
    const added = fresh.map(({ name }) => name).join(', ')
    if (saved) ui.warn(`snapshots without ${added}: ${saved}; ${goesBack}`)
    const config = readUserConfig(lab) // reports errors in it before anything is changed
    if (!hasFreeSudo(lab, config))
      ui.warn(`sudo of ${lab.user} lacks NOPASSWD in cloud-init/user-data.yaml: RKE2 needs that`)
    const [types, image, keys] = await shell.look('Check the host', () =>
      together(
        () => checkHosts(growing, nodes, arounds),
        () => findImage(lab, shell.remember),
        () => planKeys(lab, fresh),
      ),
    )
    await shell.apply(inOrder('SSH and host keys', keys))
    for (const site of growing) await openPool(site, shell)
    const made = await withBaseVolumes(lab, growing, image, shell, async (grown, base) => {
      const others = seen.sites.filter((site) => !growing.includes(site))
      const now = { ...seen, sites: [...grown, ...others] }
      const plan = (machine: Machine) => {
        const { lab: at, host } = siteOf(now, machine.node)
        return planMachine(at, host, machine, { base: image.volume, type: types.get(at.on)! })
      }
      const [made, seeds] = await together(
        async () => forEach('Machines', pairAll(now, there), plan),
        () => Promise.all(grown.map((site) => planSeeds(site, nodesOn(site.lab, fresh), config))),
      )
      const empty = grown.flatMap((site) =>
        planEmptyBase(site.lab, site.host, nodesOn(site.lab, fresh)),
      )
      await shell.apply(inOrder('Network', planNetworks(now)))
      for (const stage of planUploads(base, empty, seeds.flat())) await shell.apply(stage)
      return made
    })
    await Promise.all(
      growing.map(({ lab: at, host }) => checkAddressesAgain(at, host, arounds.get(at.on)!)),
    )
    await shell.apply(made)
  } else {
    await shell.apply(inOrder('SSH and host keys', await planKeys(lab, [])))
    await shell.apply(inOrder('Network', planNetworks(seen)))
    await shell.apply(forEach('Machines', machines, (machine) => planStart(lab, machine)))
  }
  await shell.apply({
    ...forEach('Wait', there, (node) => [untilReady(lab, node, options.timeout)]),
    watched: true,
  })
  return {
    trouble: leftOut(seen, nodes, script('create', ...options.nodes)),
    idle: 'nothing to do: every machine is there and ready',
    next: script('eject'),
  }
})
