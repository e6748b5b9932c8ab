#!/usr/bin/env zx
// Phase 3 - install-rke2: turns the first server into a Kubernetes cluster of one node. Safe to run again.
import { phase } from '../lib/phase.ts'
import { bringRelease } from '../lib/rke2/artifacts.ts'
import { warnOfRunning } from '../lib/rke2/checks.ts'
import { firstServer, lookAtFirst } from '../lib/rke2/cluster.ts'
import { ingressOf } from '../lib/rke2/config.ts'
import { planFirst, planLook } from '../lib/rke2/install.ts'
import {
  nextHint,
  planKubeconfig,
  planMerge,
  readKubeconfig,
} from '../lib/rke2/kubeconfig-files.ts'
import { warnOfManifests } from '../lib/rke2/manifest-files.ts'
import { reached, readEdited } from '../lib/rke2/service.ts'
import { inOrder } from '../lib/shell/steps.ts'
import { script } from '../lib/text/errors.ts'

await phase(import.meta.url, 'install-rke2', async ({ lab, options, shell }) => {
  const edited = readEdited(lab, options.lab) // reports problems before anything changes
  const seen = await shell.look(`Look at ${firstServer(lab).name}`, () => lookAtFirst(lab))
  const { name, node, state, trouble } = seen.first
  if (trouble) await shell.apply(inOrder(`Reach ${name}`, reached(seen.first)))

  warnOfRunning(lab, [seen.first], seen.others)
  const plan = planFirst(lab, edited, seen, options.timeout)
  if (!state.hasRun) await shell.apply(planLook(lab, edited, seen))
  if (!state.version) await bringRelease(lab, shell, ingressOf(lab, edited.server))
  if (plan.length > 0) warnOfManifests(lab)
  for (const stage of plan) await shell.apply(stage) // install, configure and start, wait

  const kubeconfig = await readKubeconfig(lab, node)
  await shell.apply(inOrder('Kubeconfig', planKubeconfig(lab, node, kubeconfig)))
  if (options.flags.merge)
    await shell.apply(inOrder('Merge into ~/.kube/config', planMerge(lab, kubeconfig)))
  return {
    idle: `nothing to do: ${name} runs RKE2 ${lab.rke2.version}`,
    next: await nextHint(lab, node, lab.nodes.length > 1 ? script('join') : undefined),
  }
})
