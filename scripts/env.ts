#!/usr/bin/env zx
// Env: what a shell needs to use the cluster, for eval. Changes nothing.
import { phase } from '../lib/phase.ts'
import { firstServer } from '../lib/rke2/cluster.ts'
import { shellSetup } from '../lib/rke2/kubeconfig.ts'
import { findKubeconfig, hasKubectl, nextHint } from '../lib/rke2/kubeconfig-files.ts'

await phase(import.meta.url, 'env', async ({ lab }) => {
  const file = findKubeconfig(lab)
  const isHere = await hasKubectl()
  process.stdout.write(shellSetup(file, isHere))
  return { next: isHere ? 'kubectl get nodes' : await nextHint(lab, firstServer(lab)) }
})
