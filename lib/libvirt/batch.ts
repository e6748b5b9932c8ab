// PURE. Many reads in one virsh: commands with marks between them, and the answer to each from the output.
// virsh continues after an error and exits with the status of its last command, so only the marks in both of its outputs
// show which command printed what. (It parses all commands before the first one runs.)
import { quote } from '../text/quote.ts'

/** What one command printed: its output, and its errors without "error: ". */
export interface Said {
  out: string
  errors: string[]
}

export interface Batch {
  /** The commands alone, to show. */
  commands: string[]
  /** The same with marks, as one word for virsh. */
  text: string
}

// Linux allows 128 KiB in one argument, and `bash -c` gets the whole command line as one.
const most = 100_000

const markBefore = (mark: string, label: string | number) =>
  `echo ${mark}.${label}.; echo --err ${mark}.${label}.`

/** The commands in as few texts as fit into an argument. */
export function batches(commands: string[], mark: string, limit = most): Batch[] {
  const all: Batch[] = []
  let batch: Batch = { commands: [], text: '' }
  let size = Infinity
  for (const command of commands) {
    const marked = (number: number) => `${markBefore(mark, number)}; ${command}; `
    const bytes = new TextEncoder().encode(quote(marked(commands.length))).length
    if (size + bytes > limit) {
      batch = { commands: [], text: '' }
      all.push(batch)
      size = 0
    }
    batch.text += marked(batch.commands.length)
    batch.commands.push(command)
    size += bytes
  }
  return all.map(({ commands, text }) => ({ commands, text: text + markBefore(mark, 'end') }))
}

/** The answer to each command by its number; undefined when virsh did not reach the end of the batch. */
export function answers(
  { stdout, stderr }: { stdout: string; stderr: string },
  mark: string,
): Map<number, Said> | undefined {
  const out = sections(stdout, new RegExp(`${mark}\\.(\\w+)\\.`))
  const errors = sections(stderr, new RegExp(`^error: ${mark}\\.(\\w+)\\.$`, 'm'))
  if (!out.has('end') || !errors.has('end')) return undefined
  const numbers = [...out.keys()].filter((label) => label !== 'end')
  return new Map(
    numbers.map((label) => [
      Number(label),
      { out: out.get(label) ?? '', errors: errorsIn(errors.get(label) ?? '') },
    ]),
  )
}

/** The errors of virsh itself, without the lines of ssh and of libvirt's log. */
export const errorsIn = (stderr: string): string[] =>
  stderr.split('\n').flatMap((line) => /^error: (.*\S)/.exec(line)?.[1] ?? [])

function sections(output: string, mark: RegExp): Map<string, string> {
  const [, ...parts] = output.split(mark)
  const found = new Map<string, string>()
  for (let index = 0; index < parts.length; index += 2)
    found.set(parts[index] ?? '', (parts[index + 1] ?? '').trim())
  return found
}
