// PURE. The output of a script on a node: each part below a line "== name".

const end = '\n== end\n'

/** A script for sh, its last line a simple command, that marks the end of its output. */
export const withEnd = (script: string) => `${script.trim()} && printf '\\n== end\\n'`

/** The output of such a script without the mark; undefined if it was cut off. */
export const wholeOutput = (output: string) =>
  output.endsWith(end) ? output.slice(0, -end.length) : undefined

/** The parts by name; text before the first one is dropped. */
export function parts(output: string): Map<string, string> {
  return new Map(
    output
      .split(/^== /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  )
}
