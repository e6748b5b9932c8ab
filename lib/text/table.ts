// PURE. Tables as plain text: no frame, columns by width.
import Table from 'cli-table3'

const none = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** Rows under headings, one line each. */
export function table(headings: string[], rows: string[][]): string {
  const output = new Table({
    head: headings,
    chars: none,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  output.push(...rows)
  return output
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
