// EDGE. The start of `npm start`: looks at everything, shows what is going to be done, asks once, and sets this host up.
import { chooseLab } from './choice.ts'
import type { Options } from './cli/args.ts'
import * as ui from './cli/ui.ts'
import { fixing, newGroup } from './doctor/host-setup.ts'
import { withoutRepeats } from './doctor/report.ts'
import type { Lab } from './lab/lab.ts'
import { libvirtHost } from './libvirt/trouble.ts'
import { lookAhead, type Ahead, type PlanRelease } from './outlook.ts'
import { isIdle, outlookRows } from './outlook-rows.ts'
import { phaseFailed, runPhase } from './run-phase.ts'
import type { Shell } from './shell/carry-out.ts'
import { inOrder } from './shell/steps.ts'
import { LabError, line, script } from './text/errors.ts'
import { isForPeople } from './text/findings.ts'
import { wrapped } from './text/progress.ts'
import { table } from './text/table.ts'

export interface Prepared {
  lab: Lab
  /** The lab file for the phases. */
  file: string
  /** The group under which they run, where this login does not know it yet. */
  group?: string | undefined
}

/** Undefined when the rehearsal was run instead of the lab. */
export async function prepare(
  given: Lab,
  options: Options,
  shell: Shell,
  planRelease: PlanRelease,
): Promise<Prepared | undefined> {
  const { lab, file, insteadOfBridge, copy } = await chooseLab(given, options.lab)
  const ahead = await lookAhead(lab, insteadOfBridge, shell, planRelease)
  if (ahead.obstacle !== undefined) return rehearse(ahead.obstacle, options, shell)
  withoutRepeats(ahead.findings).forEach(ui.finding)
  await agree(ahead, options, shell)
  const isCopied = copy.length > 0 && (await shell.apply(inOrder('Lab file', copy)))
  const prepared = { lab, file: isCopied ? 'lab.yaml' : file }
  if (ahead.fixes.length === 0 || !(await shell.apply(fixing(ahead.fixes)))) return prepared

  const group = await newGroup(lab)
  ui.heading('After the fix')
  const words = [`--lab=${prepared.file}`, ...(options.verbose ? ['--verbose'] : [])]
  if ((await runPhase('doctor', words, group)) !== 0) throw phaseFailed('doctor')
  return { ...prepared, group }
}

async function agree(ahead: Ahead, { yes }: Options, shell: Shell): Promise<void> {
  const stuck = ahead.findings.flatMap(({ check, level, fix = [] }) =>
    level === 'failure' && fix.every(isForPeople) ? check : [],
  )
  const names = [...new Set(stuck)]
  if (names.length > 0)
    throw new LabError(
      `nothing was done: ${names.join(', ')} ${names.length === 1 ? 'needs' : 'need'} you first`,
      { hint: line('# change what is marked ✗, then: ', script('up')) },
    )
  if (isIdle(ahead)) return
  const { isHere, name } = libvirtHost(ahead.lab.libvirt)
  ui.heading(`rke2-kvm-lab on ${isHere ? 'this host' : name}`)
  const width = (process.stderr.columns || Infinity) - 14
  const rows = outlookRows(ahead).map(([word, text]) => [word, wrapped(text, width)])
  ui.detail(table(undefined, rows))
  if (!(await shell.ask('Go on?', [], yes, 'Y/n')))
    throw new LabError('nothing was done', { hint: script('up', '--help') })
}

async function rehearse(why: string, { yes }: Options, shell: Shell): Promise<undefined> {
  ui.warn(
    `The lab cannot run here: ${why}.\nThe rehearsal can: the same scripts on a stand-in host, with emulated machines, and a stand-in instead of RKE2.`,
  )
  if (!(await shell.ask('Run the rehearsal instead?', [], yes, 'Y/n')))
    throw new LabError('nothing was done', { hint: 'npm run rehearse   # at any time' })
  const bash = 'npm run --silent rehearse -- --yes'
  await shell.apply(inOrder('Rehearsal', [{ do: 'run', bash, onTerminal: true }]))
  return undefined
}
