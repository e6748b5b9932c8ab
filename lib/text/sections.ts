// PURE. The output of a script on a node: each part below a line "== name".

/** The parts by name; text before the first one is dropped. */
export function parts(output: string): Map<string, string> {
  return new Map(
    output
      .split(/^== /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  )
}
