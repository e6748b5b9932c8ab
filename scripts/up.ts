#!/usr/bin/env zx
// All phases in order, from nothing to a cluster: what `npm start` runs. Safe to run again.
import { phasesOfUp } from '../lib/cli/phases.ts'
import { typedOn } from '../lib/guest/ssh-files.ts'
import { planRelease } from '../lib/rke2/artifacts.ts'
import { firstServer } from '../lib/rke2/cluster.ts'
import { nextHint } from '../lib/rke2/kubeconfig-files.ts'
import { phase } from '../lib/phase.ts'
import { prepare } from '../lib/prepare.ts'
import { phaseFailed, runPhase } from '../lib/run-phase.ts'
import { script as typed } from '../lib/text/errors.ts'
import { formatSeconds } from '../lib/text/progress.ts'
import { table } from '../lib/text/table.ts'
import * as ui from '../lib/cli/ui.ts'

const all = Object.entries(phasesOfUp)
  .map(([name, usage]) => ({ name, ...usage }))
  .filter(({ changes }) => changes) // prepare is the doctor, and more

await phase(import.meta.url, 'up', async ({ lab: given, options, shell }) => {
  let started = Date.now()
  const rows: string[][] = []
  const took = (name: string) => {
    rows.push([name, formatSeconds((Date.now() - started) / 1000)])
    started = Date.now()
  }
  const prepared = await prepare(given, options, shell, planRelease)
  if (!prepared) return
  took('doctor')

  const { lab, file, group } = prepared
  const words = [`--lab=${file}`, '--yes', ...(options.verbose ? ['--verbose'] : [])]
  const patience = options.timeout > 0 ? [`--timeout=${options.timeout}`] : []
  const run = async ({ name, ...usage }: (typeof all)[number], more: string[]) => {
    const own = 'timeout' in usage ? patience : []
    if ((await runPhase(name, [...words, ...more, ...own], group)) !== 0) throw phaseFailed(name)
    took(name)
  }
  if (!(await shell.phases(all, run))) return {}

  ui.heading('Done')
  ui.detail(table(['PHASE', 'TOOK'], rows))
  ui.heading(`Lab ${lab.name}`)
  await runPhase('status', [`--lab=${file}`], group)
  if (group) ui.warn(`this login does not know its group ${group} yet: log out and in again`)
  const server = firstServer(lab)
  const ssh = typedOn(server, '').trim()
  return { next: [await nextHint(lab, server), ssh, typed('status'), typed('destroy')] }
})
