// PURE. Answers of a script on a node: each part behind a line "== name".

/** Cuts the parts apart; the text before the first is dropped. */
export function parts(output: string): Map<string, string> {
  return new Map(
    output
      .split(/^== /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  )
}
