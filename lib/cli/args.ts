// PURE. Command line -> options, and the usage text.
import minimist from 'minimist'
import { UsageError } from '../text/errors.ts'

/** How a script is called; F are the names of its own flags. */
export interface Usage<F extends string = string> {
  /** Name of the script without its ending. */
  script: string
  /** What it does, one sentence. */
  does: string
  /** Takes node names, or the name of one node. */
  nodes?: boolean | 'one'
  /** Its own on/off options. */
  flags?: Record<F, string>
  /** What --dry-run means here, where that is not obvious. */
  dryRun?: string
  /** Default of --timeout in seconds. */
  timeout?: number | 'of each phase'
  json?: boolean
}

export interface Options<F extends string = string> {
  lab: string
  nodes: string[]
  dryRun: boolean
  verbose: boolean
  yes: boolean
  json: boolean
  help: boolean
  /** Seconds; 0: neither given nor a default. */
  timeout: number
  /** The script's own. */
  flags: Record<F, boolean>
}

const patience = (timeout: number | 'of each phase') =>
  timeout === 'of each phase'
    ? 'how long each phase may wait (default: its own)'
    : `how long to wait (default ${timeout})`

/** Every option of a script with its one-line description. */
export function optionTexts({ timeout, flags, json, dryRun }: Usage): Record<string, string> {
  return {
    'lab FILE': 'the lab file (default lab.yaml)',
    ...(timeout ? { 'timeout SECONDS': patience(timeout) } : {}),
    ...flags,
    ...(json ? { json: 'print the result as JSON' } : {}),
    'dry-run': dryRun ?? 'change nothing; print the bash script that would do it',
    yes: 'answer yes to every question',
    verbose: 'show every command and its output',
    help: 'show this text',
  }
}

/** The text that --help prints. */
export function usageText(usage: Usage): string {
  const rows = Object.entries(optionTexts(usage)).map(
    ([name, text]) => `  --${name.padEnd(17)} ${text}`,
  )
  const nodes = usage.nodes ? (usage.nodes === 'one' ? ' NODE' : ' [NODE...]') : ''
  return [
    `npx zx scripts/${usage.script}.ts${nodes} [options]`,
    '',
    usage.does,
    ...(usage.nodes === true ? ['Without NODE: all nodes of the lab that this phase is for.'] : []),
    '',
    ...rows,
    '',
  ].join('\n')
}

/** Reads the words after the script's name; throws a UsageError that lists the known options. */
export function parseArgs<F extends string>(words: string[], usage: Usage<F>): Options<F> {
  const names = Object.keys(optionTexts(usage))
  const withValue = names
    .filter((name) => name.includes(' '))
    .map((name) => name.split(' ')[0] ?? '')
  const flags = names.filter((name) => !name.includes(' '))
  const unknown: string[] = []
  // minimist takes --no-X for the opposite of --X.
  const isNo = (word: string) => word.startsWith('--no-') && flags.includes(word.slice(2))
  const plain = words.map((word) => (isNo(word) ? `${word}=true` : word))
  const parsed = minimist(plain, {
    string: [...withValue, '_'],
    boolean: flags,
    unknown: (word) => !word.startsWith('-') || (unknown.push(word), false),
  })
  const hint = `known options: ${[...withValue, ...flags].map((name) => `--${name}`).join(' ')}`
  if (unknown.length > 0) throw new UsageError(`unknown option ${unknown.join(', ')}`, { hint })
  for (const name of withValue) {
    if (Array.isArray(parsed[name])) throw new UsageError(`--${name} is given more than once`)
    if (parsed[name] === '') throw new UsageError(`--${name} needs a value`)
  }
  if (!usage.nodes && parsed._.length > 0)
    throw new UsageError(`${usage.script} takes no node names, got ${parsed._.join(', ')}`)
  if (usage.nodes === 'one' && parsed._.length !== 1 && !parsed.help)
    throw new UsageError(
      `${usage.script} takes the name of one node, got ${parsed._.length || 'none'}`,
    )
  const own = typeof usage.timeout === 'number' ? usage.timeout : 0
  const timeout = Number(parsed.timeout ?? own)
  if (parsed.timeout !== undefined && !(Number.isInteger(timeout) && timeout > 0))
    throw new UsageError(`--timeout must be a number of seconds, got ${parsed.timeout}`)
  return {
    lab: parsed.lab ?? 'lab.yaml',
    nodes: [...new Set(parsed._)],
    dryRun: parsed['dry-run'],
    verbose: parsed.verbose,
    yes: parsed.yes,
    json: parsed.json ?? false,
    help: parsed.help,
    timeout,
    flags: Object.fromEntries(
      Object.keys(usage.flags ?? {}).map((flag) => [flag, parsed[flag] === true]),
    ) as Record<F, boolean>,
  }
}
