// PURE. Progress as one line of text.
import { formatSize } from './size.ts'

/** '1 m 05 s', '42 s'. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds)
  return whole < 60
    ? `${whole} s`
    : `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`
}

/** What a machine is doing: the last line on its console without timestamp, [ OK ], cloud-init's version and login prompt. */
export const consoleStage = (line: string): string =>
  line
    .replace(/^\S+ login: */, '')
    .replace(/^\[ *\d+\.\d+\] */, '')
    .replace(/^\[ +OK +\] */, '')
    .replace(/^cloud-init\[\d+\]: Cloud-init v\. \S+ /, 'cloud-init ')
    .trim()

/** A line cut to the width of the terminal, with … for the rest. */
export const fitted = (line: string, width: number): string =>
  line.length <= width ? line : `${line.slice(0, width - 1)}…`

/** Text in lines of at most `width`, broken between words; longer words stay whole. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined) lines.push(word)
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.join('\n')
}

/** Bytes so far of the total (0: unknown), at a rate in bytes per second: bar, percentage, bytes, rate, time left. */
export function progressBar(bytes: number, total: number, rate: number, width = 24): string {
  const speed = `${formatSize(Math.max(0, Math.round(rate)))}/s`
  if (total === 0) return `${formatSize(bytes)}  ${speed}`
  const share = Math.min(1, bytes / total)
  const filled = Math.round(share * width)
  const left = rate > 0 ? `  ${formatSeconds((total - bytes) / rate)} left` : ''
  const bar = '#'.repeat(filled) + '.'.repeat(width - filled)
  return `[${bar}] ${Math.floor(share * 100)}%  ${formatSize(bytes)} of ${formatSize(total)}  ${speed}${left}`
}
