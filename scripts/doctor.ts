#!/usr/bin/env zx
// Phase 0 - doctor: looks at this host and the lab file and says what is in the way, all at once.
import { ask } from '../lib/cli/ask.ts'
import { examine } from '../lib/doctor/examine.ts'
import { UsageError } from '../lib/text/errors.ts'
import type { Finding } from '../lib/text/findings.ts'
import { next, phase } from '../lib/phase.ts'
import { mode, runFix } from '../lib/shell/shell.ts'
import * as ui from '../lib/cli/ui.ts'

async function runFixes(findings: Finding[], yes: boolean): Promise<boolean> {
  const lines = findings.flatMap(({ fix }) => fix ?? []).filter((line) => !line.startsWith('#'))
  const fixes = [...new Set(lines)]
  if (mode.dryRun) fixes.forEach((line) => console.log(line))
  if (
    mode.dryRun ||
    fixes.length === 0 ||
    !(await ask(`Run ${fixes.length} commands to fix this?`, fixes, yes))
  )
    return false
  for (const line of fixes) await runFix(line)
  return true
}

await phase(import.meta.url, 'doctor', async ({ lab, nodes, options }) => {
  const { fix } = options.flags
  if (options.json && fix)
    throw new UsageError('--json and --fix do not go together: one shows, the other asks')
  let findings = await examine(lab, nodes)
  if (options.json) console.log(JSON.stringify({ lab: lab.name, findings }, null, 2))
  else findings.forEach(ui.finding)
  if (fix && (await runFixes(findings, options.yes))) {
    ui.heading('After that')
    findings = await examine(lab, nodes)
    findings.forEach(ui.finding)
  }
  const has = (level: Finding['level']) => findings.some((finding) => finding.level === level)
  if (has('failure')) process.exitCode = 1
  if (options.json) return
  if (has('failure')) next('fix what is marked ✗, then npx zx scripts/doctor.ts again')
  else if (has('warning')) next('npx zx scripts/create.ts (the warnings above may matter)')
  else next('npx zx scripts/create.ts')
})
