// PURE. The pictures of the README, from what a terminal showed in a recorded run (record.ts).
import { parseScreen, plain, type Span } from '../terminal/ansi.ts'
import { screenSvg } from '../terminal/svg.ts'

/** Width of the terminal that is recorded. */
export const columns = 100

/** Of the long output of `npm start` these lines are shown; each run of others becomes one line "...". */
const kept = [
  /^\$ /,
  /^── /,
  /^✓ (libvirt|KVM|network): /,
  /^rke2-kvm-lab on this host$/,
  /^ {2}(install|join|run|network|download|machines|time) /,
  /^ {12}\S/, // the rest of such a row
  /^Go on\? /,
  /^ {2}\$ virsh .* (define|start) .*kubemaster/,
  /^ {2}\$ virsh .* change-media kubemaster sda --eject --live/,
  /^ {2}\$ ssh .* systemctl start --no-block/,
  /^✓ .* [rR]eady$/,
  /^Done$/,
  /^ {2}(PHASE|doctor|create|eject|install-rke2|join) /,
  /^(NODE|kubemaster|worker\d+) /,
]

const dots: Span[] = [{ text: '  ...', style: { dim: true } }]

/** The whole transcript, shortened to what fits one look. */
function npmStart(recorded: string): string {
  const shown: Span[][] = []
  for (const line of parseScreen(recorded.trimEnd())) {
    const text = plain([line])
    const before = shown.at(-1)
    if (!text || text === '$') continue
    if (!kept.some((pattern) => pattern.test(text))) {
      if (before !== dots) shown.push(dots)
      continue
    }
    if (before && /^(──|rke2-kvm-lab on|Done|\$ npx)/.test(text)) shown.push([])
    shown.push(line)
  }
  return screenSvg(shown, columns, 'npm start, and then status')
}

/** What is painted while machines boot. */
const createWaits = (recorded: string): string =>
  screenSvg(parseScreen(recorded.trimEnd()), columns, 'create, while the machines boot')

/** Each picture, named for what it shows, and how it is drawn. */
export const pictures = { 'npm-start': npmStart, 'create-waits': createWaits }

/** What is painted under the last heading "Wait" of a screen, as it came from the terminal. */
export function waitOf(screen: string): string {
  const lines = screen.trimEnd().split('\n')
  const from = lines.findLastIndex((line) => plain(parseScreen(line)) === 'Wait')
  const end = lines.findIndex((line, index) => index > from && !plain(parseScreen(line)))
  return from < 0 ? '' : lines.slice(from, end < 0 ? undefined : end).join('\n')
}

/** The moment at which the most machines were in different states, each with a word from its console. */
export function liveliest(waits: string[]): string {
  const score = (wait: string) => {
    const states = plain(parseScreen(wait)).match(/(?<= s {2})\S.*(?= {2}\| )/g) ?? []
    return states.length + new Set(states).size
  }
  return waits.reduce((best, wait) => (score(wait) > score(best) ? wait : best), '')
}
