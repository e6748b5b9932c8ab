// EDGE. The only door to the shell. `run` changes something: it is shown, and under --dry-run it
// becomes a line of the printed script instead. `query` only reads.
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { $, type ProcessPromise } from 'zx/core'
import { LabError } from '../text/errors.ts'
import { hereDocument, quote } from '../text/quote.ts'
import * as ui from '../cli/ui.ts'

export const mode = { dryRun: false, verbose: false, changes: 0 }

/** Lines of the script that --dry-run prints. */
export const script: string[] = []

const running = new Set<ProcessPromise>()
const shell = $({ quote, quiet: true, nothrow: true, env: { ...process.env, LC_ALL: 'C' } })

export interface Output {
  code: number
  stdout: string
  stderr: string
}

async function execute(process: ProcessPromise): Promise<Output> {
  running.add(process)
  try {
    const { exitCode, stdout, stderr } = await process
    return { code: exitCode ?? 1, stdout, stderr: stderr.trim() }
  } finally {
    running.delete(process)
  }
}

/** Runs a command that changes something, and shows it. Returns its stdout; throws a LabError when it fails. */
export async function run(pieces: TemplateStringsArray, ...args: unknown[]): Promise<string> {
  const halted = shell({ halt: true })(pieces, ...args)
  mode.changes++
  if (mode.dryRun) {
    script.push(halted.cmd)
    return ''
  }
  ui.command(halted.cmd, mode.verbose)
  const { code, stdout, stderr } = await execute(halted.run())
  if (mode.verbose && stdout.trim()) ui.detail(stdout.trim())
  if (code === 0) return stdout
  throw commandError(halted.cmd, code, stderr || stdout.trim())
}

/** `run` for a finished text, such as a command with a here-document. */
export const runText = (command: string): Promise<string> =>
  run(Object.assign([command], { raw: [command] }))

/** Runs a line of shell that a check proposed, with the terminal for its questions (sudo's password). */
export async function runFix(line: string): Promise<void> {
  ui.command(line, true)
  const { exitCode, stderr } = await shell({ stdio: 'inherit' })`bash -c ${line}`
  if (exitCode !== 0) throw commandError(line, exitCode ?? 1, stderr)
}

/** Runs a program with the terminal's input and output; returns its exit status. */
export async function runForeground(words: string[]): Promise<number> {
  const process = $({ quote, nothrow: true, stdio: 'inherit' })`${words}`
  running.add(process)
  try {
    return (await process).exitCode ?? 1
  } finally {
    running.delete(process)
  }
}

/** A failed command as an error: what it said, and the command itself to try by hand. */
export function commandError(command: string, code: number, said: string): LabError {
  const name = /^[\w./-]+/.exec(command)?.[0] ?? 'command'
  const lines = said.split('\n').filter((line) => line.trim())
  return new LabError(`${name} failed (exit ${code}): ${lines.at(-1) ?? 'no message'}`, {
    details: lines.slice(0, -1),
    hint: /no space left on device/i.test(said)
      ? ['df -h', '# make some room on the disk that is full, then run this again']
      : `${command.split('\n')[0]}`,
  })
}

/** Runs a command that only reads; never throws for its exit code. Ended after `seconds`. */
export async function query(pieces: TemplateStringsArray, ...args: unknown[]): Promise<Output> {
  return queryWithin(60)(pieces, ...args)
}

/** `query` with a deadline of its own, in seconds; `shown` stands for a command that would be hard to read. */
export const queryWithin =
  (seconds: number, shown?: string) =>
  async (pieces: TemplateStringsArray, ...args: unknown[]): Promise<Output> => {
    const process = shell({ timeout: seconds * 1000 })(pieces, ...args)
    if (mode.verbose) ui.command(shown ?? process.cmd, false)
    return execute(process)
  }

/** Writes a text file (0600, folders 0700), whole or not at all; says so only when it changes. */
export function write(path: string, content: string): void {
  if (readText(path) === content) return
  mode.changes++
  if (mode.dryRun) {
    if (!script.includes(makeFolder(path))) script.push(makeFolder(path))
    script.push(hereDocument(`cat > ${quote(path)}`, content))
    return
  }
  mkdirSync(resolve(dirname(path)), { recursive: true, mode: 0o700 })
  const partial = `${path}.${randomUUID()}`
  try {
    writeFileSync(partial, content, { mode: 0o600 })
    renameSync(partial, path)
  } finally {
    rmSync(partial, { force: true })
  }
  ui.detail(`wrote ${path}`)
}

const makeFolder = (path: string) => `mkdir -p ${quote(dirname(path))}`

/** The text of a file; undefined when there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Puts a comment (and an empty line before it) into the dry-run script. */
export function comment(text: string): void {
  if (mode.dryRun) script.push('', `# ${text.replace(/\s+/g, ' ')}`)
}

/** Ends every program that was started and still runs. */
export async function killAll(): Promise<void> {
  await Promise.allSettled([...running].map((process) => process.kill('SIGTERM')))
}
