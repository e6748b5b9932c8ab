#!/usr/bin/env zx
// Resize: vcpus, memory and larger disks as in lab.yaml, one node at a time, drained first. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { checkRoom } from '../lib/doctor/room.ts'
import { checkAccess } from '../lib/guest/keys.ts'
import { untilReady } from '../lib/guest/ready.ts'
import { growMounts, growRoot } from '../lib/guest/root-disk.ts'
import { nodesOn } from '../lib/lab/hosts.ts'
import { observeAll, pairAll, siteOf } from '../lib/libvirt/hosts.ts'
import type { Machine } from '../lib/libvirt/ownership.ts'
import { planNetworks } from '../lib/machine/create.ts'
import { missingDisks, planEmptyBase } from '../lib/machine/disks.ts'
import { checkMachines, checkMade } from '../lib/machine/drift.ts'
import { isOn, lostQuorum, shutDown } from '../lib/machine/power.ts'
import { checkDisks, growsDisk, growsRoot, mustBeOff, needsOf } from '../lib/machine/resize.ts'
import { planGrowth, planOn, planSizes, unfilled } from '../lib/machine/resize.ts'
import { oldSizes } from '../lib/machine/snapshot-losses.ts'
import { snapshotsOf } from '../lib/machine/snapshot-steps.ts'
import { phase } from '../lib/phase.ts'
import { endAside, planAside } from '../lib/rke2/aside.ts'
import { bringBack } from '../lib/rke2/back.ts'
import { forEach, inOrder } from '../lib/shell/steps.ts'
import { script } from '../lib/text/errors.ts'

const namesOf = (machines: Machine[]) => machines.map(({ name }) => name)
const nodesOf = (machines: Machine[]) => machines.map(({ node }) => node)

await phase(import.meta.url, 'resize', async ({ lab, nodes, options, shell }) => {
  const { timeout, yes, flags } = options
  const seen = await observeAll(lab)
  const machines = pairAll(seen, nodes)
  checkAccess(lab, seen)
  checkMachines(lab, machines)
  checkMade(machines)
  checkDisks(seen, machines)
  for (const { lab: at, host } of seen.sites)
    await checkRoom(at, host, needsOf(machines.filter(({ node }) => at.nodes.includes(node))))
  const changed = machines.filter((one) => mustBeOff(one) || growsDisk(one))
  if (changed.length > 0)
    for (const text of oldSizes(await snapshotsOf(lab, seen), namesOf(changed))) ui.warn(text)
  const adding = machines.filter((one) => missingDisks(one).length > 0)
  if (adding.length > 0) {
    const empty = seen.sites.flatMap((site) =>
      planEmptyBase(site.lab, site.host, nodesOn(site.lab, nodesOf(adding))),
    )
    await shell.apply(inOrder('Base of new disks', empty))
  }
  const off = machines.filter((one) => !isOn(one))
  const restarted = machines.filter((one) => isOn(one) && mustBeOff(one))
  const live = machines.filter((one) => isOn(one) && !mustBeOff(one))

  const bringOn = async (some: Machine[]) => {
    await shell.apply(forEach('Change', some, (one) => planSizes(siteOf(seen, one.node), one)))
    await shell.apply(forEach('Machines', some, (one) => planOn(lab, one)))
    const wait = forEach('Wait for SSH', some, (one) => [
      untilReady(lab, one.node, timeout),
      growRoot(one.node, growsRoot(one)),
      ...growMounts(one.node),
    ])
    await shell.apply({ ...wait, watched: true })
    await bringBack(lab, nodesOf(some), timeout, shell)
  }
  if (off.length > 0) {
    await shell.apply(inOrder('Network', planNetworks(seen)))
    await bringOn(off)
  }
  if (live.length > 0) {
    const wait = forEach('Wait for SSH', live, ({ node }) => [untilReady(lab, node, timeout)])
    await shell.apply({ ...wait, watched: true })
    const small = await shell.look('Look at the file systems', () => unfilled(live))
    await shell.apply(forEach('Disks', small, (one) => planGrowth(lab, one)))
    await bringBack(lab, nodesOf(live), timeout, shell)
  }
  await endAside(lab, nodesOf([...off, ...live]), shell)

  for (const one of restarted) {
    const { name, node } = one
    const warning = lostQuorum(lab, pairAll(seen, lab.nodes), [node])
    if (warning) ui.warn(warning)
    const without = script('resize', name, '--no-drain')
    const aside = await planAside(lab, node, { drains: !flags['no-drain'], without }, shell)
    await shell.apply({ ...forEach(`Drain ${name}`, [one], () => aside.before), watched: true })
    await shutDown(lab, [one], { timeout: Math.min(timeout, 300), yes }, shell)
    await bringOn([one])
    await shell.apply(forEach(`Uncordon ${name}`, [one], () => aside.after))
  }
  return {
    idle: 'nothing to do: every machine has the sizes of the lab file, and every node is Ready',
    next: script('status'),
  }
})
