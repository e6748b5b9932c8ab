// EDGE. What every script does first and last: options, lab file, lock, errors, exit status, dry-run script.
import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { parseArgs, usageText, type Options } from './cli/args.ts'
import { usageOf, type FlagOf, type PhaseName } from './cli/phases.ts'
import { LabError, NodeErrors, UsageError } from './text/errors.ts'
import { parseLab, type Lab, type Node } from './lab/lab.ts'
import { takeLock } from './shell/lock.ts'
import { quote } from './text/quote.ts'
import { comment, killAll, mode, script } from './shell/shell.ts'
import * as ui from './cli/ui.ts'

export interface Phase<N extends PhaseName> {
  lab: Lab
  /** The nodes named on the command line, else all of the lab. */
  nodes: Node[]
  options: Options<FlagOf<N>>
}

/** Runs a script's body: exit status 0 done, 1 failed, 2 wrong usage or lab file, 130 interrupted. */
export async function phase<N extends PhaseName>(
  url: string,
  name: N,
  body: (phase: Phase<N>) => Promise<void>,
): Promise<void> {
  const usage = usageOf(name)
  process.umask(0o077)
  process.stdout.on('error', () => process.exit(1)) // the reader of a pipe has left
  let release = () => {}
  try {
    const options = parseArgs(wordsAfter(url), usage)
    if (options.help) return ui.usage(usageText(usage))
    mode.dryRun = options.dryRun
    mode.verbose = options.verbose
    if (options.lab !== 'lab.yaml') ui.typed.lab = ` --lab ${quote(options.lab)}`
    const lab = parseLab(readLabFile(options.lab), options.lab)
    const nodes = namedNodes(lab, options.nodes)
    stopOnSignals()
    for (const warning of lab.warnings) ui.warn(warning)
    if (usage.changes && !mode.dryRun)
      release = await takeLock(`${lab.dir}/lock`, `lab ${lab.name}`)
    await body({ lab, nodes, options })
    if (mode.dryRun && usage.changes) process.stdout.write(bashScript(usage.script, lab.name))
  } catch (error) {
    ui.failure(error, mode.verbose)
    process.exitCode = error instanceof UsageError ? 2 : 1
  } finally {
    release()
  }
}

function wordsAfter(url: string): string[] {
  const own = fileURLToPath(url)
  const isOwn = (word: string) => {
    try {
      return realpathSync(word) === own
    } catch {
      return false
    }
  }
  return process.argv.slice(process.argv.findIndex((word, index) => index > 0 && isOwn(word)) + 1)
}

function readLabFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read the lab file ${file}: ${(error as Error).message}`, {
      hint: 'run this in the folder of lab.yaml, or give --lab FILE',
      cause: error,
    })
  }
}

function namedNodes(lab: Lab, names: string[]): Node[] {
  const unknown = names.filter((name) => !lab.nodes.some((node) => node.name === name))
  if (unknown.length > 0)
    throw new UsageError(
      `no node ${unknown.map((name) => `"${name}"`).join(', ')} in lab ${lab.name}`,
      {
        hint: `nodes of this lab: ${lab.nodes.map(({ name }) => name).join(' ')}`,
      },
    )
  return names.length > 0 ? lab.nodes.filter(({ name }) => names.includes(name)) : lab.nodes
}

function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      ui.paint('')
      ui.bad('interrupted: run the same command again to go on')
      void killAll().finally(() => process.exit(130))
    })
}

function bashScript(name: string, lab: string): string {
  return [
    '#!/usr/bin/env bash',
    `# ${name} of lab ${lab}, as the scripts would do it now on this host.`,
    'set -euo pipefail',
    'umask 077',
    `cd ${quote(process.cwd())}`,
    'main() { # a function, so that all of this is read before ssh could take it for its input',
    ...script,
    ...(script.every(isComment) ? ['', '# nothing to do', 'true'] : []), // bash wants a command in it
    '}',
    'main </dev/null',
    '',
  ].join('\n')
}

const isComment = (line: string) => line === '' || line.startsWith('#')

/** The command to type next; a dry run did nothing that something could follow. */
export function next(command: string): void {
  if (!mode.dryRun) ui.next(command)
}

/** A step of the tutorial: a heading, its commands, and a word when there was nothing to do. */
export async function step<T>(
  title: string,
  work: () => Promise<T> | T,
  idle = 'nothing to do',
): Promise<T> {
  const before = mode.changes
  comment(title)
  if (!mode.dryRun) ui.heading(title)
  const result = await work()
  if (!mode.dryRun && mode.changes === before && idle) ui.detail(idle)
  return result
}

/** A step that only looks or waits, and says itself what it sees. */
export const look = <T>(title: string, work: () => Promise<T> | T): Promise<T> =>
  step(title, work, '')

/**
 * Does `work` for each node (or domain), `many` at the same time (one after another for a dry run); every failure is
 * reported, with its node.
 */
export async function eachOf<N extends { name: string }, T>(
  nodes: N[],
  work: (node: N) => Promise<T>,
  many = 8,
): Promise<T[]> {
  const limit = pLimit(mode.dryRun ? 1 : many)
  const results = await Promise.allSettled(nodes.map((node) => limit(() => work(node))))
  const errors = results.flatMap((result, index) =>
    result.status === 'rejected' ? [named(nodes[index]?.name ?? '', result.reason)] : [],
  )
  if (errors.length > 0) throw new NodeErrors(errors)
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/** Does both at the same time (one after the other for a dry run); when both fail, both are reported. */
export async function together<A, B>(
  one: () => Promise<A>,
  other: () => Promise<B>,
): Promise<[A, B]> {
  if (mode.dryRun) return [await one(), await other()]
  const both = [one(), other()] as const
  const failures = (await Promise.allSettled(both)).flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  )
  if (failures.length > 1) throw new NodeErrors(failures)
  return Promise.all(both)
}

/** Puts the node's name before what fails in `work`. */
export async function onNode<T>(node: { name: string }, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw named(node.name, error)
  }
}

function named(name: string, error: unknown): unknown {
  if (
    error instanceof UsageError ||
    !(error instanceof LabError) ||
    error.message.startsWith(`${name}:`)
  )
    return error
  return new LabError(`${name}: ${error.message}`, {
    details: error.details,
    hint: error.hint,
    cause: error,
  })
}
