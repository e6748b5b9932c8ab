#!/usr/bin/env zx
// Phase 0 - doctor: checks this host and the lab file, and reports all problems at once.
import * as ui from '../lib/cli/ui.ts'
import { examine } from '../lib/doctor/examine.ts'
import { fixing, lookAtSetup, newGroup } from '../lib/doctor/host-setup.ts'
import { forThisHost } from '../lib/doctor/setup.ts'
import { asJson, fixesOf, withoutRepeats, worstOf } from '../lib/doctor/report.ts'
import { phase } from '../lib/phase.ts'
import { runPhase } from '../lib/run-phase.ts'
import { line, script, UsageError } from '../lib/text/errors.ts'

await phase(import.meta.url, 'doctor', async ({ lab, nodes, options, shell }) => {
  const { fix } = options.flags
  if (options.json && fix)
    throw new UsageError('--json and --fix do not go together: one shows, the other asks')
  const look = async () => {
    const [found, setup] = await Promise.all([examine(lab, nodes, shell), lookAtSetup(lab)])
    return forThisHost(found, setup, lab)
  }
  let findings = await look()
  if (options.json) console.log(asJson(lab.name, findings, ui.settings.lab))
  else withoutRepeats(findings).forEach(ui.finding)

  const fixes = fix ? fixesOf(findings) : []
  const question = `Run ${fixes.length} commands to fix this?`
  const isWanted = fixes.length > 0 && (await shell.ask(question, fixes, options.yes))
  if (isWanted && (await shell.apply(fixing(fixes)))) {
    ui.heading('After the fix')
    const group = await newGroup(lab)
    if (group) {
      process.exitCode = await runPhase('doctor', [`--lab=${options.lab}`], group)
      return
    }
    findings = await look()
    withoutRepeats(findings).forEach(ui.finding)
  }

  const worst = worstOf(findings)
  if (worst === 'failure') process.exitCode = 1
  if (options.json) return
  if (worst === 'failure')
    return { next: line('fix what is marked ✗, then ', script('doctor'), ' again') }
  if (worst === 'warning')
    return { next: line(script('create'), ' (the warnings above may matter)') }
  return { next: script('create') }
})
