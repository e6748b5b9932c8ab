// Waiting for any condition, with a deadline.
import { setTimeout as pause } from 'node:timers/promises'

/** What a probe saw: the awaited result, or a state to show until the next look. */
export type Seen<T> = { done: T } | { state: string }

export class TimedOut extends Error {
  readonly lastState: string
  constructor(lastState: string) {
    super(`timed out: ${lastState}`)
    this.lastState = lastState
  }
}

/** The clock of all waiting. */
export const clock = { now: Date.now, sleep: (ms: number): Promise<unknown> => pause(ms) }

/** Repeats `probe` until it is done; throws TimedOut with the last state after `seconds`. */
export async function until<T>(
  probe: () => Promise<Seen<T>>,
  { seconds, every = 2 }: { seconds: number; every?: number },
  { now, sleep } = clock,
): Promise<T> {
  const deadline = now() + seconds * 1000
  for (;;) {
    const seen = await probe()
    if ('done' in seen) return seen.done
    const left = deadline - now()
    if (left <= 0) throw new TimedOut(seen.state)
    await sleep(Math.min(every * 1000, left))
  }
}
