// EDGE. What every script has in common: options, lab file, lock, errors, exit status.
import { readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs, usageText, type Options } from './cli/args.ts'
import { usageOf, type FlagOf, type PhaseName } from './cli/phases.ts'
import * as ui from './cli/ui.ts'
import { parseLab, type Lab, type Node } from './lab/lab.ts'
import { killAll } from './shell/bash.ts'
import { printing, working, type Shell } from './shell/carry-out.ts'
import { UsageError, type Hint } from './text/errors.ts'
import { quote } from './text/quote.ts'

export interface Phase<N extends PhaseName> {
  lab: Lab
  /** The nodes named on the command line, else all of the lab. */
  nodes: Node[]
  options: Options<FlagOf<N>>
  shell: Shell
}

/** What a script shows at its end: the next command to type, and a text for when there was nothing to do. */
interface End {
  next?: Hint | Hint[]
  idle?: string
}

/** Runs a script's body: exit status 0 done, 1 failed, 2 wrong usage or lab file, 130 interrupted. */
export async function phase<N extends PhaseName>(
  url: string,
  name: N,
  body: (phase: Phase<N>) => Promise<End | void>,
): Promise<void> {
  const usage = usageOf(name)
  process.umask(0o077)
  process.stdout.on('error', () => process.exit(1)) // the reader of a pipe has ended
  try {
    const options = parseArgs(wordsAfter(url), usage)
    if (options.help) return ui.usage(usageText(usage))
    ui.settings.verbose = options.verbose
    if (options.lab !== 'lab.yaml') ui.settings.lab = ` --lab ${quote(options.lab)}`
    const lab = parseLab(readLabFile(options.lab), options.lab)
    const nodes = namedNodes(lab, options.nodes)
    stopOnSignals()
    for (const warning of lab.warnings) ui.warn(warning)
    const changes = usage.changes && (!usage.reads || options.words[0] !== usage.reads)
    const shell = options.dryRun
      ? printing(`${usage.script} of lab ${lab.name}`, changes)
      : working()
    const work = () => body({ lab, nodes, options, shell })
    const end = changes
      ? await shell.locked(`${lab.dir}/lock`, `lab ${lab.name}`, work)
      : await work()
    if (end) shell.end(end.idle, end.next)
  } catch (error) {
    ui.failure(error)
    process.exitCode = error instanceof UsageError ? 2 : 1
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
      hint: 'run this in the folder of lab.yaml, or use --lab FILE',
      cause: error,
    })
  }
}

function namedNodes(lab: Lab, names: string[]): Node[] {
  const unknown = names.filter((name) => !lab.nodes.some((node) => node.name === name))
  if (unknown.length > 0)
    throw new UsageError(
      `no node ${unknown.map((name) => `"${name}"`).join(', ')} in lab ${lab.name}`,
      { hint: `nodes of this lab: ${lab.nodes.map(({ name }) => name).join(' ')}` },
    )
  return names.length > 0 ? lab.nodes.filter(({ name }) => names.includes(name)) : lab.nodes
}

function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      ui.paint('')
      ui.bad('interrupted: run the same command again to continue')
      void killAll().finally(() => process.exit(130))
    })
}
