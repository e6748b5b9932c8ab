#!/usr/bin/env zx
// Phase 1 - create: from lab.yaml to running machines that are reachable by SSH and fully initialised.
// Safe to run again: it checks what exists and does what is missing.
import * as ui from '../lib/cli/ui.ts'
import { checkAddressesAgain, checkHost, lookAround } from '../lib/doctor/around.ts'
import { typeNow } from '../lib/doctor/kvm.ts'
import { findImage } from '../lib/download/image.ts'
import { checkAccess, planKeys } from '../lib/guest/keys.ts'
import { untilReady } from '../lib/guest/ready.ts'
import { observe } from '../lib/libvirt/observe.ts'
import { pair, type Machine } from '../lib/libvirt/ownership.ts'
import { withBaseVolume } from '../lib/machine/base-volume.ts'
import {
  openPool,
  planMachine,
  planNetwork,
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
  const around = lookAround(lab, nodes) // in the background
  const seen = await observe(lab)
  const machines = pair(lab, seen, nodes)
  checkAccess(lab, seen)
  checkMachines(lab, machines)
  const now = typeNow(lab, await around.here)
  for (const machine of machines)
    for (const text of differences(machine, now)) ui.warn(`${machine.name}: ${text}`)
  const fresh = machines.flatMap(({ node, domain }) => (domain ? [] : [node]))

  if (fresh.length > 0) {
    const saved = (await savedBefore(lab, seen)).join(', ')
    const added = fresh.map(({ name }) => name).join(', ')
    if (saved) ui.warn(`snapshots without ${added}: ${saved}; ${goesBack}`)
    const config = readUserConfig(lab) // reports errors in it before anything is changed
    if (!hasFreeSudo(lab, config))
      ui.warn(`sudo of ${lab.user} lacks NOPASSWD in cloud-init/user-data.yaml: RKE2 needs that`)
    const [type, image, keys] = await shell.look('Check the host', () =>
      together(
        () => checkHost(lab, nodes, seen, around),
        () => findImage(lab, shell.remember),
        () => planKeys(lab, fresh),
      ),
    )
    await shell.apply(inOrder('SSH and host keys', keys))
    await openPool(lab, seen, shell)
    const made = await withBaseVolume(lab, seen, image, shell, async (host, steps) => {
      const parts = { base: image.volume, type }
      const plan = (machine: Machine) => planMachine(lab, host, machine, parts)
      const [made, seeds] = await together(
        async () => forEach('Machines', pair(lab, host, nodes), plan),
        () => planSeeds(lab, fresh, host, config),
      )
      await shell.apply(inOrder('Network', planNetwork(lab, host)))
      const bases = [...steps, ...planEmptyBase(lab, host, fresh)]
      await shell.apply({
        title: 'Base image and seeds',
        lanes: [{ name: '', steps: bases }, ...seeds],
      })
      return made
    })
    await checkAddressesAgain(lab, seen, around)
    await shell.apply(made)
  } else {
    await shell.apply(inOrder('SSH and host keys', await planKeys(lab, [])))
    await shell.apply(inOrder('Network', planNetwork(lab, seen)))
    await shell.apply(forEach('Machines', machines, (machine) => planStart(lab, machine)))
  }
  await shell.apply({
    ...forEach('Wait', nodes, (node) => [untilReady(lab, node, options.timeout)]),
    watched: true,
  })
  return {
    idle: 'nothing to do: every machine is there and ready',
    next: script('eject'),
  }
})
