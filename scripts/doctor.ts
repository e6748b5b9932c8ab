#!/usr/bin/env zx
// Phase 0 - doctor: looks at this host and the lab file and says what is in the way, all at once.
import { ask } from '../lib/cli/ask.ts'
import { checkKvm } from '../lib/doctor/kvm.ts'
import { checkLibvirt } from '../lib/doctor/libvirt.ts'
import { checkFirewall, checkNetworks, whoAnswers } from '../lib/doctor/network.ts'
import { checkImage, checkRoom } from '../lib/doctor/capacity.ts'
import { checkNode, checkTools } from '../lib/doctor/tools.ts'
import { UsageError } from '../lib/text/errors.ts'
import type { Finding } from '../lib/doctor/findings.ts'
import { addressFindings } from '../lib/doctor/network-findings.ts'
import { checkOwnership } from '../lib/doctor/ownership.ts'
import { next, phase, together, type Phase } from '../lib/phase.ts'
import { mode, runFix } from '../lib/shell/shell.ts'
import * as ui from '../lib/cli/ui.ts'
import { doctor } from '../lib/cli/usages.ts'

async function examine({ lab, nodes }: Phase): Promise<Finding[]> {
  const [{ host, finding: libvirt }, answers] = await together(
    () => checkLibvirt(lab),
    () => whoAnswers(lab, nodes),
  )
  const findings = await Promise.all([
    checkNode(),
    checkTools(lab),
    Promise.resolve(libvirt),
    checkKvm(lab).then(({ finding }) => finding),
    checkNetworks(lab, host),
    checkFirewall(lab),
    Promise.resolve(addressFindings(lab, nodes, host, answers)),
    Promise.resolve(checkOwnership(lab, nodes, host)),
    checkRoom(lab, nodes, host),
    checkImage(lab, nodes, host),
  ])
  return findings.flat()
}

async function runFixes(findings: Finding[], yes: boolean): Promise<boolean> {
  const lines = findings.flatMap(({ fix }) => fix ?? []).filter((line) => !line.startsWith('#'))
  const fixes = [...new Set(lines)]
  if (mode.dryRun) fixes.forEach((line) => console.log(line))
  if (
    mode.dryRun ||
    fixes.length === 0 ||
    !(await ask(`Run ${fixes.length} commands to mend this?`, fixes, yes))
  )
    return false
  for (const line of fixes) await runFix(line)
  return true
}

await phase(import.meta.url, doctor, async (phase) => {
  const { lab, options } = phase
  if (options.json && options.flags.has('fix'))
    throw new UsageError('--json and --fix do not go together: one shows, the other asks')
  let findings = await examine(phase)
  if (options.json) console.log(JSON.stringify({ lab: lab.name, findings }, null, 2))
  else findings.forEach(ui.finding)
  if (!options.json && options.flags.has('fix') && (await runFixes(findings, options.yes))) {
    ui.heading('After that')
    findings = await examine(phase)
    findings.forEach(ui.finding)
  }
  const has = (level: Finding['level']) => findings.some((finding) => finding.level === level)
  if (has('failure')) process.exitCode = 1
  if (options.json) return
  if (has('failure')) next('mend what is marked ✗, then npx zx scripts/doctor.ts again')
  else if (has('warning')) next('npx zx scripts/create.ts (the warnings above may matter)')
  else next('npx zx scripts/create.ts')
})
