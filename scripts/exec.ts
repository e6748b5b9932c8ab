#!/usr/bin/env zx
// Exec: one command on all nodes, the servers or the agents, side by side.
import { nodesFor, planExec } from '../lib/guest/exec.ts'
import { phase } from '../lib/phase.ts'

await phase(import.meta.url, 'exec', async ({ lab, nodes, options, shell }) => {
  const { root, ...roles } = options.flags
  const chosen = nodesFor(lab, options.nodes.length > 0 ? nodes : [], roles)
  const print = (text: string, from: 'stdout' | 'stderr') => process[from].write(`${text}\n`)
  await shell.apply(planExec(chosen, options.command, { root }, print))
  return {}
})
