#!/usr/bin/env zx
// All phases in order, from nothing to a cluster: what `npm start` runs. Safe to run again.
import { inOrder } from '../lib/cli/phases.ts'
import { planRelease } from '../lib/rke2/artifacts.ts'
import { firstServer } from '../lib/rke2/cluster.ts'
import { kubectlHint } from '../lib/rke2/kubeconfig-files.ts'
import { phase } from '../lib/phase.ts'
import { prepare } from '../lib/prepare.ts'
import { phaseFailed, runPhase } from '../lib/run-phase.ts'
import { script as typed } from '../lib/text/errors.ts'
import { formatSeconds } from '../lib/text/progress.ts'
import { commandText } from '../lib/text/quote.ts'
import { table } from '../lib/text/table.ts'
import * as ui from '../lib/cli/ui.ts'

await phase(import.meta.url, 'up', async ({ lab: given, options, shell }) => {
  const { dryRun, verbose } = options
  const names = Object.keys(inOrder) as (keyof typeof inOrder)[]
  const rows: string[][] = []
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const started = Date.now()
    if (!dryRun) ui.chapter(`${name}, ${rows.length + 1} of ${names.length}`)
    const result = await work()
    rows.push([name, formatSeconds((Date.now() - started) / 1000)])
    return result
  }

  const prepared = await timed('doctor', () => prepare(given, options, shell, planRelease))
  if (!prepared) return
  const { lab, file, group } = prepared
  const flags = Object.entries({ 'dry-run': dryRun, verbose, yes: true })
  const words = [`--lab=${file}`, ...flags.flatMap(([flag, isOn]) => (isOn ? [`--${flag}`] : []))]
  for (const name of names.filter((name) => inOrder[name].changes))
    await timed(name, async () => {
      const patience =
        'timeout' in inOrder[name] && options.timeout > 0 ? [`--timeout=${options.timeout}`] : []
      if ((await runPhase(name, [...words, ...patience], group)) !== 0) throw phaseFailed(name)
    })
  if (dryRun) return

  ui.heading('Done')
  ui.detail(table(['PHASE', 'TOOK'], rows))
  ui.heading(`Lab ${lab.name}`)
  await runPhase('status', [`--lab=${file}`], group)
  if (group) ui.warn(`this login does not know its group ${group} yet: log out and in again`)
  const server = firstServer(lab)
  return {
    next: [
      await kubectlHint(lab, server),
      commandText`ssh -F ${server.sshConfig} ${server.name}`,
      typed('status'),
      typed('destroy'),
    ],
  }
})
