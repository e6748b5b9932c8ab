#!/usr/bin/env zx
// Phase 3 - install-rke2: the first server becomes a Kubernetes cluster of one node. Safe to run again.
import { checkNoOtherCluster, firstServer } from '../lib/rke2/cluster.ts'
import { ensureKubeconfig, kubectlHint, mergeIntoHome } from '../lib/rke2/kubeconfig-files.ts'
import { nodeProgress } from '../lib/cli/progress.ts'
import { look, next, onNode, phase, step } from '../lib/phase.ts'
import { ensureArtifacts, installOn } from '../lib/rke2/artifacts.ts'
import { checkNeeds, checkVersion } from '../lib/rke2/requirements.ts'
import {
  editedConfig,
  ensureConfig,
  rke2State,
  startService,
  waitForRke2,
} from '../lib/rke2/service.ts'
import { mode } from '../lib/shell/shell.ts'
import * as ui from '../lib/cli/ui.ts'

await phase(import.meta.url, 'install-rke2', async ({ lab, options }) => {
  const node = firstServer(lab)
  editedConfig(node) // what is wrong with it is told before anything is changed
  const state = await look(`Look at ${node.name}`, () => rke2State(lab, node))

  await onNode(node, async () => {
    checkVersion(lab, node, state)
    if (!state.hasRun) checkNeeds(lab, node, state)
    await checkNoOtherCluster(lab, node, state)
    if (!state.version) {
      const artifacts = await step(`RKE2 ${lab.rke2.version} onto this host`, () =>
        ensureArtifacts(lab),
      )
      await step(`Install on ${node.name}`, () => installOn(lab, node, artifacts))
    }
    const since = await step('Configure and start', async () =>
      startService(lab, node, state, await ensureConfig(lab, node, state)),
    )
    const progress = nodeProgress([node.name])
    const wait = { seconds: options.timeout, progress, teller: node, since }
    await look('Wait until the node is Ready', () =>
      waitForRke2(lab, node, wait).finally(() => progress.stop()),
    )
  })

  const file = await step('Kubeconfig', () => ensureKubeconfig(lab, node))
  if (options.flags.merge) await step('Merge into ~/.kube/config', () => mergeIntoHome(lab, file))
  if (mode.changes === 0) ui.good(`nothing to do: ${node.name} runs RKE2 ${lab.rke2.version}`)
  next(lab.nodes.length > 1 ? 'npx zx scripts/join.ts' : await kubectlHint(lab, node))
})
