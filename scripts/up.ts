#!/usr/bin/env zx
// All phases in order, from nothing to a cluster: what `npm start` runs. Safe to run again.
import { ask } from '../lib/cli/ask.ts'
import { checkNetworks } from '../lib/doctor/network.ts'
import { firstServer } from '../lib/rke2/cluster.ts'
import { kubectlHint } from '../lib/rke2/kubeconfig-files.ts'
import { LabError } from '../lib/text/errors.ts'
import { next, phase } from '../lib/phase.ts'
import { phaseFailed, runPhase } from '../lib/phases.ts'
import { formatSeconds } from '../lib/text/progress.ts'
import { mode } from '../lib/shell/shell.ts'
import { table } from '../lib/text/table.ts'
import * as ui from '../lib/cli/ui.ts'
import { up } from '../lib/cli/usages.ts'

const waits = ['create', 'install-rke2', 'join']
const phases = ['doctor', 'create', 'eject', 'install-rke2', 'join']

await phase(import.meta.url, up, async ({ lab, options }) => {
  const offered = 'labs/nat.yaml'
  let file = options.lab
  const noBridge = (await checkNetworks(lab, undefined)).find(({ check }) => check === 'bridge')
  if (noBridge && file === 'lab.yaml' && !mode.dryRun) {
    ui.warn(
      `${noBridge.found}\nThe lab in ${offered} needs none: its machines are reachable from this host only.`,
    )
    if (!(await ask(`Use ${offered} instead of ${file}?`, [], options.yes)))
      throw new LabError('nothing was done: the lab needs a bridge that this host has not', {
        hint: ['# make the bridge, or:', `npm start -- --lab ${offered}`],
      })
    file = offered
    ui.typed.lab = ` --lab ${offered}`
  }
  const words = [
    '--lab',
    file,
    ...(['dry-run', 'verbose', 'yes'] as const)
      .filter((flag) => options.flags.has(flag))
      .map((flag) => `--${flag}`),
  ]
  const patience = options.timeout > 0 ? [`--timeout=${options.timeout}`] : []
  const rows: string[][] = []
  for (const script of mode.dryRun ? phases.slice(1) : phases) {
    const started = Date.now()
    if (!mode.dryRun) ui.chapter(`${script}, ${phases.indexOf(script) + 1} of ${phases.length}`)
    const own = waits.includes(script) ? patience : []
    if ((await runPhase(script, [...words, ...own])) !== 0) throw phaseFailed(script)
    rows.push([script, formatSeconds((Date.now() - started) / 1000)])
  }
  if (mode.dryRun) return
  ui.heading('Done')
  ui.detail(table(['PHASE', 'TOOK'], rows))
  next(file === options.lab ? await kubectlHint(lab, firstServer(lab)) : 'npx zx scripts/status.ts')
})
