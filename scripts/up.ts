#!/usr/bin/env zx
// All phases in order, from nothing to a cluster: what `npm start` runs. Safe to run again.
import { phasesOfUp } from '../lib/cli/phases.ts'
import { checkNetworks } from '../lib/doctor/examine.ts'
import { firstServer } from '../lib/rke2/cluster.ts'
import { nextHint } from '../lib/rke2/kubeconfig-files.ts'
import { LabError, script as typed } from '../lib/text/errors.ts'
import { phase } from '../lib/phase.ts'
import { phaseFailed, runPhase } from '../lib/run-phase.ts'
import { formatSeconds } from '../lib/text/progress.ts'
import { table } from '../lib/text/table.ts'
import * as ui from '../lib/cli/ui.ts'

const all = Object.entries(phasesOfUp).map(([name, usage]) => ({ name, ...usage }))
const flagged = (flags: Record<string, boolean>) =>
  Object.entries(flags).flatMap(([name, isOn]) => (isOn ? [`--${name}`] : []))

await phase(import.meta.url, 'up', async ({ lab, options, shell }) => {
  const offered = 'labs/nat.yaml'
  let file = options.lab
  const noBridge = (await checkNetworks(lab)).find(({ check }) => check === 'bridge')
  if (noBridge && file === 'lab.yaml') {
    ui.warn(
      `${noBridge.found}\nThe lab in ${offered} needs none: its machines are reachable from this host only.`,
    )
    if (!(await shell.ask(`Use ${offered} instead of ${file}?`, [], options.yes)))
      throw new LabError('nothing was done: the lab needs a bridge that this host does not have', {
        hint: ['# make the bridge, or:', `npm start -- --lab ${offered}`],
      })
    file = offered
    ui.settings.lab = ` --lab ${offered}`
  }
  const { verbose, yes } = options
  const words = [`--lab=${file}`, ...flagged({ verbose, yes })]
  const patience = options.timeout > 0 ? [`--timeout=${options.timeout}`] : []
  const rows: string[][] = []
  const run = async ({ name, ...usage }: (typeof all)[number], more: string[]) => {
    const started = Date.now()
    const own = 'timeout' in usage ? patience : []
    if ((await runPhase(name, [...words, ...more, ...own])) !== 0) throw phaseFailed(name)
    rows.push([name, formatSeconds((Date.now() - started) / 1000)])
  }
  if (!(await shell.phases(all, run))) return
  ui.heading('Done')
  ui.detail(table(['PHASE', 'TOOK'], rows))
  return { next: file === options.lab ? await nextHint(lab, firstServer(lab)) : typed('status') }
})
