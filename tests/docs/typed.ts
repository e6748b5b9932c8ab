// PURE. What a page says to type: fenced blocks, commands with their output, and the words of a command.

export interface Fence {
  /** What stands behind the opening fence. */
  info: string
  text: string
  /** Line of the page that the text begins on. */
  line: number
  /** Whether `npm run docs` makes it. */
  isMade: boolean
}

/** Every fenced block of a page, those within lists and answers as well. */
export function fences(page: string): Fence[] {
  const found: Fence[] = []
  let open: { indent: string; info: string; line: number; lines: string[] } | undefined
  let isMade = false
  for (const [index, line] of page.split('\n').entries()) {
    if (!open && /^<!-- (begin:|end)/.test(line)) isMade = line.includes('begin')
    const [, indent = '', info = ''] = /^( *)```(.*)$/.exec(line) ?? []
    if (!line.trimStart().startsWith('```')) open?.lines.push(line.slice(open.indent.length))
    else if (!open) open = { indent, info, line: index + 2, lines: [] }
    else {
      found.push({ info: open.info, text: open.lines.join('\n'), line: open.line, isMade })
      open = undefined
    }
  }
  return found
}

export interface Typed {
  command: string
  /** Lines to expect; none: nothing is said about them. */
  output: string[]
  line: number
  /** What stands behind the word "bash". */
  mark?: string | undefined
}

/**
 * The commands of blocks of bash, a line each; what a block of text right below says is the output of the last.
 * Not those with the mark "script", whose lines belong together, nor "shown": these change the reader's own host or lab, or need
 * the real RKE2.
 */
export function typed(page: string): Typed[] {
  const all = fences(page)
  return all.flatMap(({ info, text, line, isMade }, index) => {
    const [language, mark] = info.split(' ')
    if (language !== 'bash' || isMade || mark === 'script' || mark === 'shown') return []
    const lines = text.split('\n')
    const next = all[index + 1]
    const isOutput = next?.info === 'text' && !next.isMade && next.line === line + lines.length + 3
    return lines.map((command, row) => ({
      command,
      output: isOutput && row === lines.length - 1 ? next.text.trimEnd().split('\n') : [],
      line: line + row,
      mark,
    }))
  })
}

/** How many lines there are to type in blocks that no test types. */
export function shown(page: string): number {
  const blocks = fences(page).filter(({ info }) => info === 'bash shown')
  return blocks.flatMap(({ text }) => text.split('\n')).length
}

/** The manifests of a page's answers to apply: blocks marked `yaml apply`. */
export function applied(page: string): Typed[] {
  return fences(page)
    .filter(({ info }) => info === 'yaml apply')
    .map(({ text, line }) => ({
      command: `kubectl apply -f - <<'EOF'\n${text}\nEOF`,
      output: [],
      line,
    }))
}

/** Commands between `backticks` in the text, as far as they are commands of these programs. */
export function mentioned(page: string): Typed[] {
  return inlineCode(page)
    .filter(({ text }) => /^(npx zx|npm|kubectl|virsh|ssh -F) /.test(text))
    .map(({ text, line }) => ({ command: text, output: [], line }))
}

/** Everything between backticks outside of fenced blocks. */
export function inlineCode(page: string): { text: string; line: number }[] {
  const prose = page.replace(/^( *)```[^]*?^\1```$/gm, (block) => block.replace(/[^\n]/g, ''))
  return [...prose.matchAll(/`([^`]+)`/g)].map((match) => ({
    text: (match[1] ?? '').replace(/\s+/g, ' '),
    line: prose.slice(0, match.index).split('\n').length,
  }))
}

/** True when what was printed is what the page says; "..." stands for any lines, or any text within one. */
export function matches(printed: string, expected: string[]): boolean {
  const rows = expected.map((row) =>
    row.trim() === '...'
      ? '(?:.*\\n)*?'
      : `${row
          .trimEnd()
          .split(/ *\.\.\. *| *\.\.\.$/)
          .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
          .join('.*')} *\\n`,
  )
  return new RegExp(`^\\n*${rows.join('')}\\n*$`).test(`${printed.trimEnd()}\n`)
}

/** The simple commands of a line of shell as words, quotes removed; those within $( ) come first. */
export function commands(line: string): string[][] {
  const inner: string[] = []
  const outer = line.replace(/ +# .*$/, '').replace(/\$\(([^()]*)\)/g, (_, text: string) => {
    inner.push(text)
    return 'SUBSTITUTED'
  })
  return [...inner.flatMap(commands), ...split(outer)].flatMap((words) => {
    const from = words[0] === 'do' ? words.slice(1) : words
    return from.length === 0 || ['for', 'done'].includes(from[0] ?? '') ? [] : [from]
  })
}

function split(line: string): string[][] {
  const found: string[][] = [[]]
  const token = /\s+|(&&|\|\||[;|])|((?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s;|&'"\\])+)/gy
  for (const [, operator, word] of line.matchAll(token))
    if (operator) found.push([])
    else if (word) found.at(-1)?.push(unquoted(word))
  return found.filter((words) => words.length > 0)
}

const unquoted = (word: string) =>
  word.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g, (_, one, two, three) =>
    String(one ?? two ?? three),
  )
