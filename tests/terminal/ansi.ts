// PURE. What a terminal shows, as runs of text with a style: from the control sequences in which tmux tells it.

export interface Span {
  text: string
  style: Style
}

export interface Style {
  bold?: true
  dim?: true
  colour?: Colour
}

const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
export type Colour = (typeof colours)[number]

/** The lines of a screen; a style lasts until it is changed, over the ends of lines too. */
export function parseScreen(text: string): Span[][] {
  let style: Style = {}
  return text.split('\n').map((line) => {
    const spans: Span[] = []
    // eslint-disable-next-line no-control-regex
    for (const [, codes, plain] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g))
      if (plain === undefined) style = (codes ?? '').split(';').map(Number).reduce(restyled, style)
      else if (sameStyle(spans.at(-1)?.style, style)) spans.at(-1)!.text += plain
      else spans.push({ text: plain, style })
    return spans
  })
}

function restyled(style: Style, code: number): Style {
  const { bold: _bold, dim: _dim, ...colour } = style
  const { colour: _colour, ...weight } = style
  const chosen = colours[code - 30]
  if (chosen) return { ...weight, colour: chosen }
  switch (code) {
    case 0:
      return {}
    case 1:
      return { ...style, bold: true }
    case 2:
      return { ...style, dim: true }
    case 22:
      return colour
    case 39:
      return weight
    case 49: // the background, which nothing here changes
      return style
    default:
      throw new Error(`a terminal told of a style that is not known: ${code}`)
  }
}

const sameStyle = (one: Style | undefined, other: Style) =>
  one !== undefined &&
  one.bold === other.bold &&
  one.dim === other.dim &&
  one.colour === other.colour

/** The screen as text with its styles in braces, such as `{green}✓{/} done`, for people to compare. */
export const marked = (screen: Span[][]): string =>
  screen
    .map((line) =>
      line
        .map(({ text, style }) => {
          const names = [style.bold && 'bold', style.dim && 'dim', style.colour].filter(Boolean)
          return names.length > 0 && text.trim() ? `{${names.join(' ')}}${text}{/}` : text
        })
        .join('')
        .trimEnd(),
    )
    .join('\n')
    .trimEnd()

/** The screen as text without styles. */
export const plain = (screen: Span[][]): string =>
  screen
    .map((line) =>
      line
        .map(({ text }) => text)
        .join('')
        .trimEnd(),
    )
    .join('\n')
    .trimEnd()
