// PURE. Progress as one line of text.
import { formatSize } from './size.ts'

/** '1 m 05 s', '42 s'. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds)
  return whole < 60
    ? `${whole} s`
    : `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`
}

/** Bytes so far, of total (0: unknown), at a rate in bytes per second: bar, per cent, bytes, rate, time left. */
export function progressBar(bytes: number, total: number, rate: number, width = 24): string {
  const speed = `${formatSize(Math.max(0, Math.round(rate)))}/s`
  if (total === 0) return `${formatSize(bytes)}  ${speed}`
  const share = Math.min(1, bytes / total)
  const filled = Math.round(share * width)
  const left = rate > 0 ? `  ${formatSeconds((total - bytes) / rate)} left` : ''
  const bar = '#'.repeat(filled) + '.'.repeat(width - filled)
  return `[${bar}] ${Math.floor(share * 100)}%  ${formatSize(bytes)} of ${formatSize(total)}  ${speed}${left}`
}
