// PURE. How often a service has ended, by systemd's counter of restarts.

/** How often the service has ended since the first look at it, by systemd's counter of restarts. */
export interface Ends {
  counter: number
  count: number
  /** When the first end was noticed, and the last, and after what time of life (milliseconds). */
  first: number
  last: number
  life: number
  /** systemd's words for it, such as exit-code; empty for a good end. */
  result: string
}

/** The ends after one more look. */
export function endsAfter(before: Ends | undefined, counter: number, result: string, now: number) {
  const more = before ? counter - before.counter : 0
  if (!before || more < 0) return { counter, count: 0, first: NaN, last: now, life: 0, result }
  const words = result || before.result
  if (more === 0) return { ...before, result: words }
  const life = (now - before.last) / more
  const first = before.count > 0 ? before.first : before.last + life
  return { counter, count: before.count + more, first, last: now, life, result: words }
}

/** Whether it ends again and again: one end alone is no cause, and a life longer than the one before is no end. */
export const keepsEnding = ({ count, last, life }: Ends, now: number): boolean =>
  count >= 2 && now - last < 1.5 * life + 10_000
