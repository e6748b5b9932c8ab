#!/usr/bin/env zx
// Remove: takes a node out of the cluster, then removes its machine, after showing it and asking. Safe to run again.
import * as ui from '../lib/cli/ui.ts'
import { pairAll, silentNodes } from '../lib/libvirt/hosts.ts'
import { findOwn, removal } from '../lib/machine/destroy.ts'
import { leftOvers } from '../lib/machine/destroy-files.ts'
import { phase } from '../lib/phase.ts'
import { planKubeconfig, readKubeconfig, readLabs } from '../lib/rke2/kubeconfig-files.ts'
import { leaveText, losesKubeconfig, planLeave } from '../lib/rke2/remove.ts'
import { lookAt } from '../lib/rke2/service.ts'
import { eachOf } from '../lib/shell/carry-out.ts'
import { inOrder } from '../lib/shell/steps.ts'
import { LabError, script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'remove', async ({ lab, nodes, options, shell }) => {
  const [node] = nodes
  if (!node) throw new Error('parseArgs asks for a node')
  const own = await findOwn(lab, nodes, false, shell)
  const made = [
    ...pairAll(own.seen, lab.nodes).flatMap((one) => (one.domain || one.elsewhere ? one.node : [])),
    ...silentNodes(own.seen, lab.nodes),
  ]
  const all = await shell.look('Look at the nodes', () => eachOf(made, lookAt))
  const { timeout: seconds, flags } = options
  const leaving = { node, made: made.includes(node), all, force: flags.force, seconds }
  const leave = planLeave(lab, leaving)
  for (const text of own.leftAlone) ui.warn(`left alone: ${text}`)
  if (leave.stages.length === 0 && own.isNothing) {
    await shell.apply(leftOvers(lab, own.seen))
    return { idle: `nothing to remove: ${node.name} is no node of the cluster, and has no machine` }
  }

  if (
    !(await shell.ask(
      'Remove all this?',
      [...leaveText(leaving, leave), ...own.about],
      options.yes,
    ))
  )
    throw new LabError('nothing was removed')
  for (const stage of leave.stages) await shell.apply(stage)
  const by = losesKubeconfig(lab, readLabs(lab) ?? '', node)
  if (leave.heir && by) {
    const kubeconfig = await readKubeconfig(by, leave.heir.node)
    await shell.apply(inOrder('Kubeconfig', planKubeconfig(by, leave.heir.node, kubeconfig)))
  }
  for (const stage of removal(lab, own)) await shell.apply(stage)
  return { next: [`# remove ${node.name} from ${options.lab}, then:`, script('status')] }
})
