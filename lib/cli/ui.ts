// EDGE. What people see. Results go to stdout; headings, commands, progress and errors to stderr.
import { Chalk } from 'chalk'
import { fileTrouble, hintText, LabError, NodeErrors, type Hint } from '../text/errors.ts'
import type { Finding } from '../text/findings.ts'
import { wrapped } from '../text/progress.ts'

const terminal = process.stderr.isTTY && !process.env.CI
const colour = process.stderr.isTTY && process.env.NO_COLOR === undefined
const chalk = new Chalk({ level: colour ? 1 : 0 })
// Loaded only where it is needed: it takes a tenth of a script's start.
const live = terminal ? (await import('log-update')).createLogUpdate(process.stderr) : undefined
let liveText = ''

/** Set once at the start: whether every command is shown, and what follows a script's name in hints. */
export const settings = { verbose: false, lab: '' }

function line(text: string): void {
  if (liveText) live?.clear()
  process.stderr.write(`${text}\n`)
  if (liveText) live?.(liveText)
}

export const heading = (text: string) => line(chalk.bold(`\n${text}`))
/** A phase of several. */
export const chapter = (text: string) => line(chalk.bold(`\n── ${text} ──`))
export const detail = (text: string) => line(text.replace(/^/gm, '  '))
export const good = (text: string) => line(`${chalk.green('✓')} ${prose(text)}`)
export const warn = (text: string) => line(chalk.yellow(`! ${prose(text)}`))
export const bad = (text: string) => line(`${chalk.red('✗')} ${prose(text)}`)

// Sentences are wrapped between words; commands are left to the terminal, so that they can be copied.
const prose = (text: string) =>
  fit(text, (process.stderr.columns || Infinity) - 2).replaceAll('\n', '\n  ')
const fit = (text: string, width: number | undefined) =>
  text
    .split('\n')
    .map((one) => wrapped(one, width || Infinity))
    .join('\n')

/** One finding of a check with the commands that fix it. */
export function finding({ check, level, found, fix = [] }: Finding): void {
  const show = { ok: good, warning: warn, failure: bad }[level]
  show(`${check}: ${found}`)
  for (const hint of fix) detail(`    ${hintText(hint, settings.lab)}`)
}

/** Shows a command as it can be pasted; a long here-document only by its first line, unless `whole`. */
export function command(text: string, whole: boolean): void {
  const [first = '', ...rest] = text.split('\n')
  const shown =
    whole || rest.length < 3
      ? text
      : `${first} ... (${rest.length} more lines; --verbose shows them)`
  line(chalk.cyan(shown.replace(/^/gm, '    ').replace(/^ {4}/, '  $ ')))
}

/** What a program prints, as it comes; without the lines that tell us where bash failed. */
export const output = (text: Buffer): void =>
  void process.stderr.write(text.toString().replace(/\n?@failed:.*\n/g, ''))

/** The usage of a script, on stdout. */
export const usage = (text: string): void =>
  void process.stdout.write(fit(text, process.stdout.columns))

/** The command to type next, or several to choose from. */
export const next = (hints: Hint | Hint[]) => {
  const texts = [hints].flat().map((hint) => hintText(hint, settings.lab))
  line(`\n${chalk.bold('Next:')} ${texts.join('\n      ')}`)
}

/** Lines that replace those painted before; shown only on a terminal. */
export function paint(text: string): void {
  if (!terminal) return
  liveText = text
  if (text) live?.(text)
  else live?.clear()
}

/** Whether lines can be repainted; otherwise progress is shown line by line. */
export const paints = terminal

/** Shows an error: what failed, on which node, why, what was seen, what to type. An unexpected one shows its stack. */
export function failure(thrown: unknown): void {
  const error = fileTrouble(thrown) ?? thrown
  paint('')
  if (error instanceof NodeErrors) for (const one of error.errors) failure(one)
  else if (error instanceof LabError) {
    bad(error.message)
    for (const text of error.details) detail(`  ${text}`)
    error.hint.forEach((hint, index) =>
      detail(`  ${index === 0 ? 'try: ' : '     '}${hintText(hint, settings.lab)}`),
    )
    if (settings.verbose && error.stack) detail(chalk.dim(error.stack))
  } else bad(`this is a bug: ${error instanceof Error ? error.stack : String(error)}`)
}
