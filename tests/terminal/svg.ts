// PURE. A terminal's screen as a picture (SVG): a window with a title, light text on a dark ground, so that it can be
// read on light and on dark pages.
import { Xml, xml } from '../../lib/text/xml.ts'
import type { Colour, Span } from './ansi.ts'

const size = 14
const cell = { width: size * 0.6, height: 19 }
const margin = 16
const bar = 36

const palette: Record<Colour | 'plain', string> = {
  plain: '#d7dde5',
  black: '#6e7681',
  red: '#ff7b72',
  green: '#7ee787',
  yellow: '#e3b341',
  blue: '#79c0ff',
  magenta: '#d2a8ff',
  cyan: '#76d9e6',
  white: '#f0f6fc',
}

const joined = (parts: Xml[]) => new Xml(parts.map(({ text }) => text).join(''))
const short = (value: number) => Number(value.toFixed(1))

/** Every run of text begins where the terminal had it, whatever font the reader has. */
function lineOf(spans: Span[], row: number): Xml {
  const y = bar + margin + row * cell.height + size
  let column = 0
  const runs = spans.map(({ text, style }) => {
    const at = column + text.length - text.trimStart().length
    column += text.length
    const words = text.trim()
    if (!words) return xml``
    const looks = [
      style.bold && 'b',
      style.dim && 'd',
      style.colour && style.colour.slice(0, 3),
    ].filter(Boolean)
    const named = looks.length > 0 ? xml` class="${looks.join(' ')}"` : xml``
    const x = short(margin + at * cell.width)
    return xml`<tspan x="${x}" textLength="${short(words.length * cell.width)}"${named}>${words}</tspan>`
  })
  const text = joined(runs)
  return text.text ? xml`<text y="${short(y)}">${text}</text>\n` : xml``
}

/** The picture; `columns` is the width of the terminal. */
export function screenSvg(screen: Span[][], columns: number, title: string): string {
  const width = Math.ceil(columns * cell.width + 2 * margin)
  const height = Math.ceil(bar + 2 * margin + screen.length * cell.height)
  const rules = Object.entries(palette).map(([name, fill]) =>
    name === 'plain' ? '' : `.${name.slice(0, 3)}{fill:${fill}}`,
  )
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (fill, index) => xml`<circle cx="${20 + index * 20}" cy="${bar / 2}" r="6" fill="${fill}"/>`,
  )
  return xml`<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<style>text{white-space:pre;fill:${palette.plain};font:${size}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace}.b{font-weight:bold;fill:${palette.white}}.d{opacity:.6}${rules.join('')}</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="#0d1117" stroke="#484f58"/>
<path d="M0.5 ${bar}H${width - 0.5}" stroke="#30363d"/>
${joined(dots)}<text x="${width / 2}" y="${bar / 2 + 5}" text-anchor="middle" class="d">${title}</text>
${joined(screen.map(lineOf))}</svg>
`.text
}
