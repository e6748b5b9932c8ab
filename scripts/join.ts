#!/usr/bin/env zx
// Phase 4 - join: further servers one at a time, then the agents side by side. Safe to run again.
import { findLeader } from '../lib/rke2/cluster.ts'
import { joinNode, knownNodes, type Joining } from '../lib/rke2/join.ts'
import { ensureKubeconfig, kubectlHint } from '../lib/rke2/kubeconfig-files.ts'
import type { Node } from '../lib/lab/lab.ts'
import { nodeProgress } from '../lib/cli/progress.ts'
import { eachOf, look, next, onNode, phase, step } from '../lib/phase.ts'
import { ensureArtifacts } from '../lib/rke2/artifacts.ts'
import { checkVersion } from '../lib/rke2/requirements.ts'
import { editedConfig, rke2State } from '../lib/rke2/service.ts'
import { mode } from '../lib/shell/shell.ts'
import * as ui from '../lib/cli/ui.ts'

await phase(import.meta.url, 'join', async ({ lab, nodes, options }) => {
  nodes.forEach(editedConfig) // what is wrong with it is told before anything is changed
  const lead = await look('Find a server to join', () => findLeader(lab))
  const { leader, leaderState } = lead
  const joiners = nodes.filter((node) => node !== leader)
  const states = await look('Look at the nodes', () =>
    eachOf(joiners, (node) => rke2State(lab, node)),
  )
  const known = await onNode(leader, async () => {
    checkVersion(lab, leader, leaderState)
    return knownNodes(lab, lead, options.timeout)
  })
  const fresh = joiners.filter((_, index) => !states[index]?.version)
  const artifacts =
    fresh.length > 0
      ? await step(`RKE2 ${lab.rke2.version} onto this host`, () => ensureArtifacts(lab))
      : undefined
  const progress = nodeProgress(joiners.map(({ name }) => name))
  const joining: Joining = {
    lab,
    ...lead,
    known,
    artifacts,
    progress,
    seconds: options.timeout,
  }

  const pairs = joiners.map((node, index) => ({ name: node.name, node, state: states[index]! }))
  const ofRole = (role: Node['role']) => pairs.filter(({ node }) => node.role === role)
  try {
    for (const { node, state } of ofRole('server'))
      await step(`Join server ${node.name}`, () =>
        onNode(node, () => joinNode(node, state, joining)),
      )
    await step('Join agents', () =>
      eachOf(ofRole('agent'), ({ node, state }) => joinNode(node, state, joining)),
    )
  } finally {
    progress.stop()
  }

  await ensureKubeconfig(lab, leader)
  const all = nodes.length === lab.nodes.length
  if (mode.changes === 0)
    ui.good(
      all
        ? 'nothing to do: every node has joined and is Ready'
        : `nothing to do: joined and Ready: ${nodes.map(({ name }) => name).join(', ')}`,
    )
  next(await kubectlHint(lab, leader))
})
