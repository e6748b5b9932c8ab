// PURE. Changes as values: a step is one change, a stage is what happens in parallel. The same text is shown, printed by
// --dry-run and carried out.
import { dirname } from 'node:path'
import { named, NodeErrors, type CommandError } from '../text/errors.ts'
import { commandText, hereDocument, quote } from '../text/quote.ts'

/** Command lines for bash on this host. */
export interface Run {
  do: 'run'
  bash: string
  /** The state shown for the node while this runs. */
  state?: string
  /** How often it is tried, a second apart, and after which stderr; a printed script tries after any. */
  tries?: number
  triesAfter?: RegExp
  /** Undoes it when it fails. */
  undo?: string
  /** Turns its failure into a more helpful error; `undone`: the undo succeeded. */
  explain?: (error: CommandError, undone: boolean) => unknown
  /** The warning when it fails; the next steps run anyway. */
  orWarn?: string
  /** A download: the file that grows, and the URL that reports its size. */
  grows?: { file: string; url: string }
  /** It may ask the user something, such as sudo for a password. */
  onTerminal?: true
  /** Not shown as it runs, except with --verbose. */
  unseen?: true
}

/** A text file (0600, its folder 0700), written whole or not at all. */
export interface Write {
  do: 'write'
  path: string
  content: string
  /** Printed instead, where the content holds a secret: commands with the same result. */
  printed?: string
}

/** A condition for the next step: as bash, and as the function that a script uses instead, with better messages. */
export interface Check {
  do: 'check'
  bash: string
  /** Throws when it does not hold. `say` shows a state while waiting; the returned text is shown at the end. */
  holds: (say: Say) => Promise<string | void>
}
export type Say = (state: string, lastLine?: string) => void

export type Step = Run | Write | Check

/** Steps one after another; the name is that of the node, if any. */
export interface Lane {
  name: string
  steps: Step[]
}

/** Lanes in parallel under one heading; `watched`: with a progress line for each, all at the same time. */
export interface Stage {
  title: string
  lanes: Lane[]
  watched?: boolean
}

/** Tagged template: a command with every value quoted. */
export const sh = (pieces: TemplateStringsArray, ...values: unknown[]): Run => ({
  do: 'run',
  bash: commandText(pieces, ...values),
})

/** Plain commands as one step, which starts one shell for all of them; none for none. */
export const inOneShell = (runs: Run[]): Run[] =>
  runs.length > 0 ? [{ do: 'run', bash: runs.map(({ bash }) => bash).join('\n') }] : []

/** Bash that looks every few seconds until a condition in bash holds, for `seconds` at most. */
export const untilBash = (condition: string, seconds: number, every: number): string => `\
( end=$((SECONDS + ${seconds}))
until ${condition}
do [ $SECONDS -lt $end ] && sleep ${every} || exit 1
done ) 2>/dev/null || { echo "gave up after ${seconds} s" >&2; false; }`

/** A stage of steps one after another. */
export const inOrder = (title: string, steps: Step[]): Stage => ({
  title,
  lanes: [{ name: '', steps }],
})

/** A stage with a lane for each node or domain; the errors of all plans are thrown together. */
export function forEach<N extends { name: string }>(
  title: string,
  all: N[],
  plan: (one: N) => Step[],
): Stage {
  const errors: unknown[] = []
  const lanes = all.map((one): Lane => {
    try {
      return { name: one.name, steps: plan(one) }
    } catch (error) {
      errors.push(named(one.name, error))
      return { name: one.name, steps: [] }
    }
  })
  if (errors.length > 0) throw errors.length > 1 ? new NodeErrors(errors) : errors[0]
  return { title, lanes }
}

/** The steps as a complete bash script that runs in the folder `cwd`. */
export function bashScript(about: string, cwd: string, stages: Stage[]): string {
  const folders = new Set<string>()
  const lines = stages.flatMap(({ title, lanes }) => [
    '',
    `# ${title.replace(/\s+/g, ' ')}`,
    ...lanes.flatMap(({ steps }) => steps.flatMap((step) => bashOf(step, folders))),
  ])
  const isComment = (line: string) => line === '' || line.startsWith('#')
  return [
    '#!/usr/bin/env bash',
    `# ${about}, as the scripts would do it now on this host.`,
    'set -euo pipefail',
    'umask 077',
    'export LC_ALL=C',
    `cd ${quote(cwd)}`,
    'main() { # a function, so that bash reads all of this before ssh can take it as input',
    ...lines,
    ...(lines.every(isComment) ? ['', '# nothing to do', 'true'] : []), // a function needs a command
    '}',
    'main </dev/null',
    '',
  ].join('\n')
}

function bashOf(step: Step, folders: Set<string>): string[] {
  if (step.do === 'check') return [step.bash]
  if (step.do === 'run') return [guarded(step)]
  if (step.printed !== undefined) return [step.printed]
  const folder = dirname(step.path)
  const made = folders.has(folder) ? [] : [commandText`mkdir -p ${folder}`]
  folders.add(folder)
  return [...made, hereDocument(commandText`cat > ${step.path}`, step.content)]
}

function guarded({ bash, tries = 1, undo, orWarn }: Run): string {
  const again = Array.from({ length: tries - 1 }, () => ` ||\n  { sleep 1; ${bash}; }`).join('')
  const list = bash.includes('\n') ? `{ ${bash}\n}` : bash
  if (undo) return `${list} || { ${undo}; false; }`
  return orWarn ? `${list} || echo ${quote(orWarn)} >&2` : bash + again
}
