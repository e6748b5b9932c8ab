// PURE. RKE2's journal: the cause of a failure, how long it has lasted, the last message.
import type { Hint } from '../text/errors.ts'
import { known, type Place } from './causes.ts'

export interface Cause {
  id: string
  why: string
  fix: Hint[]
  patience: number
}

// The server was reached, or the kubelet or an image pull went on: earlier causes are over.
const progress =
  /apiserver not ready|503 Service Unavailable|Running kubelet|up and running|returns image reference/

/** The current cause: the last one logged, unless RKE2 has made progress since; undefined if there is none. */
export function diagnose(journal: string, at: Place): Cause | undefined {
  const causeIn = (line: string) => known.find(({ match }) => match.test(line))
  const last = journal.split('\n').findLast((line) => progress.test(line) || causeIn(line))
  const hit = causeIn(last ?? '')
  return hit && { id: hit.id, why: hit.why(at), fix: hit.fix(at), patience: hit.patience ?? 0 }
}

/** The current cause, and since when (milliseconds). */
export interface Sighting {
  cause: Cause
  since: number
}

/** The sighting after one more look: the time counts only while the cause stays the same. */
export const sighting = (
  cause: Cause | undefined,
  before: Sighting | undefined,
  now: number,
): Sighting | undefined =>
  cause && { cause, since: before?.cause.id === cause.id ? before.since : now }

/** Whether the cause has lasted longer than its patience. */
export const isDue = ({ cause, since }: Sighting, now: number): boolean =>
  now - since >= cause.patience * 1000

/** The message of the last line that is not empty: the text in logrus' msg="...". */
export function lastMessage(journal: string): string {
  const line = journal.split('\n').findLast((text) => text.trim()) ?? ''
  const quoted = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
  return (quoted?.replace(/\\(.)/g, '$1') ?? line).trim()
}
