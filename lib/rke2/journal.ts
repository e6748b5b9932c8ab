// PURE. What RKE2's journal says: the cause of a failure, how long it has been there, the last message.
import type { Hint } from '../text/errors.ts'
import { known, type Place } from './causes.ts'

export interface Cause {
  id: string
  why: string
  fix: Hint[]
  patience: number
}

// Lines that say that the server was reached, or that the kubelet or a pull went on: earlier trouble is over.
const further =
  /apiserver not ready|503 Service Unavailable|Running kubelet|up and running|returns image reference/

/** The cause that is current: the last one logged, unless it got further since; undefined when there is none. */
export function diagnose(journal: string, at: Place): Cause | undefined {
  const isTelling = (line: string) =>
    further.test(line) || known.some(({ match }) => match.test(line))
  const last = journal.split('\n').findLast(isTelling) ?? ''
  const hit = known.find(({ match }) => match.test(last))
  return hit && { id: hit.id, why: hit.why(at), fix: hit.fix(at), patience: hit.patience ?? 0 }
}

/** A cause that is current, and since when (milliseconds). */
export interface Sighting {
  cause: Cause
  since: number
}

/** The sighting after one more look: the count goes on only while the cause stays the same. */
export const sighting = (
  cause: Cause | undefined,
  before: Sighting | undefined,
  now: number,
): Sighting | undefined =>
  cause && { cause, since: before?.cause.id === cause.id ? before.since : now }

/** Whether the cause has stayed as long as it may. */
export const isDue = ({ cause, since }: Sighting, now: number): boolean =>
  now - since >= cause.patience * 1000

/** The message of the last line worth showing: logrus' msg="..." unwrapped. */
export function lastMessage(journal: string): string {
  const line = journal.split('\n').findLast((text) => text.trim()) ?? ''
  const quoted = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
  return (quoted?.replace(/\\(.)/g, '$1') ?? line).trim()
}
