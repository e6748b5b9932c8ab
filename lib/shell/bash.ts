// EDGE. The only door to other programs: it runs the same bash text that is shown and printed.
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { $, type ProcessPromise } from 'zx/core'
import { CommandError, type Failed } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import * as ui from '../cli/ui.ts'
import { failedProgram, trap } from './failed-program.ts'
import type { Run } from './steps.ts'

const running = new Set<ProcessPromise>()
const env = { ...process.env, LC_ALL: 'C' }

export interface Output {
  code: number
  stdout: string
  stderr: string
}

interface Options {
  /** The deadline in seconds. */
  seconds?: number
  /** It may ask the user something; what it prints is shown as it comes. */
  live?: boolean
  /** Shown instead of a command that would be hard to read. */
  shown?: string
}

async function execute(text: string, { seconds, live = false }: Options = {}): Promise<Output> {
  const shell = $({
    env,
    quiet: true,
    nothrow: true,
    prefix: trap,
    stdio: [live ? 'inherit' : 'ignore', 'pipe', 'pipe'],
    ...(seconds === undefined ? {} : { timeout: seconds * 1000 }),
  })
  const process = shell(Object.assign([text], { raw: [text] }))
  running.add(process)
  if (live) for (const from of [process.stdout, process.stderr]) from.on('data', ui.output)
  try {
    const { exitCode, stdout, stderr } = await process
    if (exitCode !== null || seconds === undefined) return { code: exitCode ?? 1, stdout, stderr }
    return { code: 124, stdout, stderr: `${stderr}\nit did not end within ${seconds} s` }
  } finally {
    running.delete(process)
  }
}

/** Runs bash text that changes something, and shows it. Returns its stdout; throws a CommandError when it fails. */
export async function run(
  text: string,
  how: Pick<Run, 'onTerminal' | 'unseen'> = {},
): Promise<string> {
  const live = how.onTerminal === true
  if (!how.unseen || ui.settings.verbose) ui.command(text, ui.settings.verbose || live)
  const output = await execute(text, { live })
  if (ui.settings.verbose && !live && output.stdout.trim()) ui.detail(output.stdout.trim())
  if (output.code === 0) return output.stdout
  throw new CommandError(failure(text, output))
}

function failure(command: string, { code, stdout, stderr }: Output): Failed {
  const { program, line, said } = failedProgram(command, stderr)
  return { command: line, program, status: code, stderr: said || stdout.trim() }
}

/** Runs a command that only reads, for 60 seconds at most; does not throw for its exit code. */
export const query = (pieces: TemplateStringsArray, ...values: unknown[]): Promise<Output> =>
  ask(commandText(pieces, ...values))

/** `query` for a finished text, with options. */
export async function ask(text: string, options: Options = {}): Promise<Output> {
  if (ui.settings.verbose) ui.command(options.shown ?? text, false)
  const output = await execute(text, { seconds: 60, ...options })
  return { ...output, stderr: failedProgram(text, output.stderr).said }
}

/** Runs a command without input, however long it takes; `each` gets its lines as they come. Returns its exit status. */
export async function follow(
  text: string,
  each: (line: string, from: 'stdout' | 'stderr') => void,
): Promise<number> {
  if (ui.settings.verbose) ui.command(text, false)
  const process = $({
    env,
    prefix: '',
    quiet: true,
    nothrow: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })(Object.assign([text], { raw: [text] }))
  running.add(process)
  const reading = (['stdout', 'stderr'] as const).map(async (from) => {
    for await (const line of createInterface({ input: process[from] })) each(line, from)
  })
  try {
    const { exitCode } = await process
    await Promise.all(reading)
    return exitCode ?? 1
  } finally {
    running.delete(process)
  }
}

/** Runs a program with the terminal's input and output; returns its exit status. */
export async function runForeground(text: string): Promise<number> {
  const process = $({ env, prefix: '', nothrow: true, stdio: 'inherit' })(
    Object.assign([text], { raw: [text] }),
  )
  running.add(process)
  try {
    return (await process).exitCode ?? 1
  } finally {
    running.delete(process)
  }
}

/** The text of a file; undefined when there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes a file (0600, its folder 0700), whole or not at all. */
export function put(path: string, content: string): void {
  mkdirSync(resolve(dirname(path)), { recursive: true, mode: 0o700 })
  const partial = `${path}.${randomUUID()}`
  try {
    writeFileSync(partial, content, { mode: 0o600 })
    renameSync(partial, path)
  } finally {
    rmSync(partial, { force: true })
  }
}

/** Ends every program that still runs. */
export async function killAll(): Promise<void> {
  await Promise.allSettled([...running].map((process) => process.kill('SIGTERM')))
}
