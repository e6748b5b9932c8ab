// PURE. Tables as plain text: aligned columns without a frame.
import Table from 'cli-table3'

// cli-table3's names for the parts of a frame.
const corners = ['top', 'bottom', 'left', 'mid', 'right'].flatMap((side) =>
  ['', '-mid', '-left', '-right'].map((corner) => `${side}${corner}`),
)
const noFrame = { ...Object.fromEntries(corners.map((name) => [name, ''])), middle: '  ' }

/** One line per row, below the headings where there are any. */
export function table(headings: string[] | undefined, rows: string[][]): string {
  const output = new Table({
    ...(headings ? { head: headings } : {}),
    chars: noFrame,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  output.push(...rows)
  return output
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
