// EDGE. Machines that are off, or were, until their nodes are Ready.
import { untilReady } from './guest/ready.ts'
import type { Lab } from './lab/lab.ts'
import type { Host } from './libvirt/observe.ts'
import type { Machine } from './libvirt/ownership.ts'
import { planNetwork, planStart } from './machine/create.ts'
import { backLater, bringBack } from './rke2/back.ts'
import type { Shell } from './shell/carry-out.ts'
import { forEach, inOrder } from './shell/steps.ts'

/** Switches machines on, all at the same time, and waits until those that have run RKE2 are Ready; the names of the others come
 *  back. `changed`: their disks are no longer what a look at them shows before. */
export async function switchOn(
  lab: Lab,
  host: Host,
  machines: Machine[],
  seconds: number,
  shell: Shell,
  changed = false,
): Promise<string[]> {
  const nodes = machines.map(({ node }) => node)
  await shell.apply(inOrder('Network', planNetwork(lab, host)))
  await shell.apply(forEach('Machines', machines, (machine) => planStart(lab, machine)))
  const wait = forEach('Wait for SSH', nodes, (node) => [untilReady(lab, node, seconds)])
  const areOn = await shell.apply({ ...wait, watched: true })
  if (areOn || !changed) return bringBack(lab, nodes, seconds, shell)
  for (const stage of backLater(lab, nodes, seconds)) await shell.apply(stage)
  return []
}
