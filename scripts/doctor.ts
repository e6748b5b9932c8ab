#!/usr/bin/env zx
// Phase 0 - doctor: looks at this host and the lab file and says what is in the way, all at once.
import { ask } from '../lib/ask.ts'
import * as checks from '../lib/checks.ts'
import { next, phase } from '../lib/phase.ts'
import { runFix } from '../lib/shell.ts'
import * as ui from '../lib/ui.ts'
import { doctor } from '../lib/usages.ts'

await phase(import.meta.url, doctor, async ({ lab, nodes, options }) => {
  const { host, finding: libvirt } = await checks.checkLibvirt(lab)
  const findings = await Promise.all([
    checks.checkNode(),
    checks.checkTools(lab),
    Promise.resolve(libvirt),
    checks.checkKvm(lab).then(({ finding }) => finding),
    checks.checkNetworks(lab, host),
    checks.checkFirewall(lab),
    checks.checkAddresses(lab, nodes, host),
    Promise.resolve(checks.checkOwnership(lab, nodes, host)),
    checks.checkRoom(lab, nodes, host),
    checks.checkImage(lab),
  ])
  const all = findings.flat()
  const failed = all.filter(({ level }) => level === 'failure')
  if (failed.length > 0) process.exitCode = 1
  if (options.json) return console.log(JSON.stringify({ lab: lab.name, findings: all }, null, 2))
  for (const finding of all) ui.finding(finding)

  const fixes = [
    ...new Set(all.flatMap(({ fix }) => fix ?? []).filter((line) => !line.startsWith('#'))),
  ]
  if (
    options.flags.has('fix') &&
    fixes.length > 0 &&
    (await ask(`Run ${fixes.length} commands to mend this?`, fixes, options.yes))
  )
    for (const line of fixes) await runFix(line)
  else if (all.every(({ level }) => level === 'ok')) next('npx zx scripts/create.ts')
  else if (failed.length === 0) next('npx zx scripts/create.ts (the warnings above may matter)')
  else next('mend what is marked ✗, then npx zx scripts/doctor.ts again')
})
