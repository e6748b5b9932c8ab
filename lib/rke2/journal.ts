// PURE. RKE2's journal: the cause of a failure, how long it has lasted, the last message.
import type { Hint } from '../text/errors.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Known, Place } from './cause.ts'
import { known } from './causes.ts'
import { serviceOf } from './state.ts'

export interface Cause {
  id: string
  why: string
  fix: Hint[]
  patience: number
}

// The server was reached, or the kubelet or an image pull went on: earlier causes are over. A server that is not ready asks
// itself for the configuration of kube-proxy all the time.
const progress =
  /apiserver not ready|503 Service Unavailable|Running kubelet|up and running|returns image reference/
const isProgress = (line: string) =>
  progress.test(line) && !line.includes('kube-proxy configuration')

const imports = /msg="(Importing|Imported) images from /
const lastImport = (journal: string) =>
  journal.split('\n').findLast((line) => imports.test(line)) ?? ''

/** Whether RKE2 is unpacking the images that were brought along. The kubelet starts meanwhile, and cannot pull them. */
export const isImporting = (journal: string): boolean =>
  imports.exec(lastImport(journal))?.[1] === 'Importing'

/** Whether RKE2 has unpacked them since its start. */
export const hasImported = (journal: string): boolean =>
  imports.exec(lastImport(journal))?.[1] === 'Imported'

/** The current cause: the last one logged, unless RKE2 has made progress since; undefined if there is none. */
export function diagnose(journal: string, containerd: string, at: Place): Cause | undefined {
  return (
    causeIn(emptyFiles(at), at) ??
    causeIn(withoutEarlyPulls(journal, journal), at) ??
    causeIn(withoutEarlyPulls(containerd, journal), at) ??
    keepsFailing(journal, at)
  )
}

const emptyFiles = ({ remains }: Place) =>
  (remains?.empty ?? []).map((file) => `empty file: ${file}`).join('\n')

function causeIn(log: string, at: Place): Cause | undefined {
  const lines = log.split('\n')
  const matching = (line: string) =>
    known.find(({ match, when }) => match.test(line) && (when?.(at) ?? true))
  const isOver = ({ until }: Known, index: number) =>
    lines.slice(index + 1).some((line) => (until ? until.test(line) : isProgress(line)))
  const last = lines.findLast((line, index) => {
    const hit = matching(line)
    return hit !== undefined && !isOver(hit, index)
  })
  return last === undefined ? undefined : causeOf(matching(last), at, last)
}

const causeOf = (hit: Known | undefined, at: Place, line: string): Cause | undefined =>
  hit && { id: hit.id, why: hit.why(at, line), fix: hit.fix(at, line), patience: hit.patience ?? 0 }

const isPull = (line: string) => known.find(({ id }) => id === 'image-pull')?.match.test(line)

// Pulls that failed before the images were there say nothing; anything else counts. RKE2 logs whole seconds.
function withoutEarlyPulls(log: string, journal: string): string {
  const isGoingOn = isImporting(journal)
  const end = timeOf(lastImport(journal)) + 1000
  const isEarly = (line: string) => isGoingOn || timeOf(line) <= end
  return log
    .split('\n')
    .filter((line) => !(isPull(line) && isEarly(line)))
    .join('\n')
}

/** When a line of logrus was written, milliseconds; NaN where it does not say. */
export const timeOf = (line: string) => Date.parse(/\btime="([^"]*)"/.exec(line)?.[1] ?? '')

const fatal =
  /level=fatal msg="((?:[^"\\]|\\.)*)"|msg="(Shutdown request received: (?:[^"\\]|\\.)*)"/

// A failure that nobody foresaw is shown in its own words. One alone is no cause: some go away with the next start.
function keepsFailing(journal: string, at: Place): Cause | undefined {
  const messages = journal.split('\n').flatMap((line) => {
    const [, ended, shutDown] = fatal.exec(line) ?? []
    return ended ?? shutDown ?? []
  })
  const shape = (message: string) => message.replace(/\d+/g, '#')
  const last = messages.at(-1)
  const same = messages.filter((message) => shape(message) === shape(last ?? ''))
  if (last === undefined || same.length < 2) return undefined
  const unit = serviceOf(at.node)
  return {
    id: 'keeps-failing',
    why: `RKE2 has ended ${same.length} times with: ${last.replace(/\\(.)/g, '$1')}`,
    fix: [
      typedOn(at.node, `sudo journalctl --unit ${unit} --lines 200 --no-pager`),
      typedOn(at.node, `systemctl status ${unit}`),
    ],
    patience: 30,
  }
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
