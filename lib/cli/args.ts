// PURE. Command line -> options, and the usage text.
import minimist from 'minimist'
import { script, UsageError } from '../text/errors.ts'

/** How a script is called; F: the names of this script's flags. */
export interface Usage<F extends string = string> {
  /** Name of the script without its ending. */
  script: string
  /** What it does, one sentence. */
  does: string
  /** Takes a command after `--`. */
  command?: boolean
  /** What it takes instead, at most one, such as FILE. */
  operand?: string
  /** Takes node names, or the name of one node. */
  nodes?: boolean | 'one'
  /** Takes words in one of these forms instead, such as `save NAME`. */
  words?: readonly string[]
  /** Its own on/off options. */
  flags?: Record<F, string>
  /** Its own options with a value, such as `keep N`. */
  values?: Record<string, string>
  /** What --dry-run means here, where that is not obvious. */
  dryRun?: string
  /** Default of --timeout in seconds. */
  timeout?: number | 'of each phase'
  json?: boolean
}

export interface Options<F extends string = string> {
  lab: string
  nodes: string[]
  /** The words after `--`, where the script takes a command. */
  command: string[]
  operand?: string
  /** Where the script takes forms of words: the words, the first of them known. */
  words: string[]
  dryRun: boolean
  verbose: boolean
  yes: boolean
  json: boolean
  help: boolean
  /** Seconds; 0: neither given nor a default. */
  timeout: number
  /** The script's own. */
  flags: Record<F, boolean>
  values: Record<string, string>
}

const patience = (timeout: number | 'of each phase') =>
  timeout === 'of each phase'
    ? 'how long each phase may wait (default: its own)'
    : `how long to wait (default ${timeout})`

/** Every option of a script with its one-line description. */
export function optionTexts({
  timeout,
  flags,
  values,
  json,
  dryRun,
}: Usage): Record<string, string> {
  return {
    'lab FILE': 'the lab file (default lab.yaml)',
    ...(timeout ? { 'timeout SECONDS': patience(timeout) } : {}),
    ...values,
    ...flags,
    ...(json ? { json: 'print the result as JSON' } : {}),
    'dry-run': dryRun ?? 'change nothing; print the bash script that would do it',
    yes: 'answer yes to every question',
    verbose: 'show every command and its output',
    help: 'show this text',
  }
}

function operands({ nodes, operand }: Usage): string {
  if (nodes === 'one') return ' NODE'
  if (nodes) return ' [NODE...]'
  return operand === undefined ? '' : ` [${operand}]`
}

/** The text that --help prints. */
export function usageText(usage: Usage): string {
  const rows = Object.entries(optionTexts(usage)).map(
    ([name, text]) => `  --${name.padEnd(17)} ${text}`,
  )
  const nodes = operands(usage)
  return [
    ...(usage.words ?? ['']).map(
      (form) =>
        `npx zx scripts/${usage.script}.ts${form && ` ${form}`}${nodes} [options]${usage.command ? ' -- COMMAND' : ''}`,
    ),
    '',
    usage.does,
    ...(usage.nodes === true ? ['Without NODE: every node of the lab that this applies to.'] : []),
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
  const end = usage.command ? [...words, '--'].indexOf('--') : words.length
  const command = words.slice(end + 1)
  // minimist takes --no-X for the opposite of --X.
  const isNo = (word: string) => word.startsWith('--no-') && flags.includes(word.slice(2))
  const plain = words.slice(0, end).map((word) => (isNo(word) ? `${word}=true` : word))
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
  if (usage.words && !parsed.help) checkForm(parsed._, usage.script, usage.words)
  else if (!usage.nodes && !usage.words && parsed._.length > (usage.operand ? 1 : 0))
    throw new UsageError(
      `${usage.script} takes ${usage.operand ? `one ${usage.operand}` : 'no node names'}, got ${parsed._.join(', ')}`,
    )
  if (usage.nodes === 'one' && parsed._.length !== 1 && !parsed.help)
    throw new UsageError(
      `${usage.script} takes the name of one node, got ${parsed._.length || 'none'}`,
    )
  if (usage.command && !parsed.help && command.join('').trim() === '')
    throw new UsageError(`${usage.script} needs a command after --`, {
      hint: script(usage.script, '--', 'uptime'),
    })
  const own = typeof usage.timeout === 'number' ? usage.timeout : 0
  const timeout = Number(parsed.timeout ?? own)
  if (parsed.timeout !== undefined && !(Number.isInteger(timeout) && timeout > 0))
    throw new UsageError(`--timeout must be a number of seconds, got ${parsed.timeout}`)
  return {
    lab: parsed.lab ?? 'lab.yaml',
    command,
    nodes: usage.operand || usage.words ? [] : [...new Set(parsed._)],
    words: usage.words ? parsed._ : [],
    ...(usage.operand && parsed._[0] !== undefined ? { operand: parsed._[0] } : {}),
    dryRun: parsed['dry-run'],
    verbose: parsed.verbose,
    yes: parsed.yes,
    json: parsed.json ?? false,
    help: parsed.help,
    timeout,
    flags: Object.fromEntries(
      Object.keys(usage.flags ?? {}).map((flag) => [flag, parsed[flag] === true]),
    ) as Record<F, boolean>,
    values: Object.fromEntries(
      Object.keys(usage.values ?? {}).flatMap((text) => {
        const name = text.split(' ')[0] ?? ''
        return parsed[name] === undefined ? [] : [[name, String(parsed[name])]]
      }),
    ),
  }
}

function checkForm(words: string[], name: string, forms: readonly string[]): void {
  const form = forms.find((one) => one.split(' ')[0] === words[0])
  if (form && form.split(' ').length === words.length) return
  const what = words[0] ?? 'what to do'
  throw new UsageError(form ? `it is ${name} ${form}` : `${name} does not know ${what}`, {
    hint: (form ? [form] : forms).map((one) => script(name, one)),
  })
}
