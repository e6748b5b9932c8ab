// PURE. RKE2's journal: the cause of a failure, the last message.
import type { Ends } from './ends.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Cause, Known, Place } from './cause.ts'
import { known } from './causes.ts'
import { kubeletExit } from './node-causes.ts'
import { serviceOf } from './state.ts'

// The server was reached, or the kubelet or an image pull continued: earlier causes are over. A server that is not ready asks
// itself for the configuration of kube-proxy all the time.
const progress =
  /apiserver not ready|503 Service Unavailable|Running kubelet|up and running|returns image reference/
const isProgress = (line: string) =>
  progress.test(line) && !line.includes('kube-proxy configuration')

const imports = /msg="(?:(Importing|Imported) images from |Starting rke2 )/
const lastImport = (lines: string[]) => lines.findLast((line) => imports.test(line)) ?? ''

/** The lines of a start that came up once: what went wrong in it until then is over, but an import may go on. */
export const onlyImports = (journal: string): string =>
  journal
    .split('\n')
    .filter((line) => imports.test(line))
    .map((line) => `${line}\n`)
    .join('')

const importIn = (journal: string) => imports.exec(lastImport(journal.split('\n')))?.[1]

/** Whether RKE2 is unpacking the images that were brought along. The kubelet starts meanwhile, and cannot pull them. */
export const isImporting = (journal: string): boolean => importIn(journal) === 'Importing'
/** Whether RKE2 has unpacked them since its start. */
export const hasImported = (journal: string): boolean => importIn(journal) === 'Imported'

/** What is known besides the logs. */
interface More {
  /** The last error in the kubelet's log. */
  kubelet?: string
  /** How the service ends again and again, if it does so now. */
  ends?: Ends | undefined
  /** The node's time, milliseconds. */
  now?: number
}

/** The current cause: the last one logged, unless RKE2 has made progress since; undefined if there is none. */
export function diagnose(
  journal: string,
  containerd: string,
  at: Place,
  { kubelet = '', ends, now = NaN }: More = {},
): Cause | undefined {
  const lines = journal.split('\n')
  const isEarly = earlyPulls(lines)
  const goesOn = kubeletKeepsExiting(lines, now)
  const counts = (log: string[]) =>
    log.filter((line) => !isEarly(line) && (goesOn || !kubeletExit.test(line)))
  const [programs, keys] = emptyFiles(at)
  const ofContainers = causeIn(counts(containerd.split('\n')), at)
  const found =
    causeIn(keys, at) ??
    causeIn(counts(lines), at) ??
    ofContainers ??
    (ends && keepsFailing(lines, ends, at))
  // Where etcd does not come up its own log says more. An empty program may be as it should be, in an image of the user's.
  if (found && ['etcd-silent', 'first-start-cut-off'].includes(found.id)) {
    const damage = causeIn(programs, at)
    return damage ? { ...damage, patience: 30 } : (ofContainers ?? found)
  }
  if (found?.id !== 'kubelet-exits') return found
  const said = kubelet ? kubeletError(kubelet) : undefined
  return causeOf(knownIn(said ?? '', at) ?? knownIn('Kubelet exited: ', at), at, said)
}

function emptyFiles({ remains }: Place): [programs: string[], keys: string[]] {
  const lines = (remains?.empty ?? []).map((file) => `empty file: ${file}`)
  const isKey = (line: string) => line.startsWith('empty file: /')
  return [lines.filter((line) => !isKey(line)), lines.filter(isKey)]
}

// RKE2 starts its kubelet again after 5 s, without a word: one exit may heal.
function kubeletKeepsExiting(lines: string[], now: number): boolean {
  const exits = lines.filter((line) => kubeletExit.test(line)).slice(-2)
  const [before = NaN, last = NaN] = exits.map(timeOf)
  return exits.length === 2 && !(last - before > 30_000) && !(now - last > 30_000)
}

const knownIn = (line: string, at: Place, among = known) =>
  among.find(({ match, when }) => match.test(line) && (when?.(at) ?? true))
const lasting = known.filter(({ until }) => until)
const isOver = ({ until }: Known, after: string[]) =>
  until && after.some((line) => until.test(line))

/** The last cause in the lines that is not over. */
function causeIn(lines: string[], at: Place): Cause | undefined {
  let hasProgressed = false
  for (const [index, line] of [...lines.entries()].reverse()) {
    const hit = knownIn(line, at, hasProgressed ? lasting : known)
    if (hit && !isOver(hit, lines.slice(index + 1))) return causeOf(hit, at, line)
    hasProgressed ||= isProgress(line)
  }
  return undefined
}

const causeOf = (hit: Known | undefined, at: Place, said?: string): Cause | undefined =>
  hit && {
    id: hit.id,
    why: hit.why(at, said),
    fix: hit.fix(at, said),
    patience: hit.patience ?? 0,
    until: hit.until,
  }

/** The error in a line of the kubelet: err="..." after a header. */
function kubeletError(line: string): string {
  const quoted = /\berr="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]
  return quoted === undefined ? line.replace(/^[EF]\d+ .*?\] /, '') : unquoted(quoted)
}

const pull = known.find(({ id }) => id === 'image-pull')?.match

// Pulls that failed before the images were there say nothing; anything else counts. RKE2 logs whole seconds.
function earlyPulls(journal: string[]): (line: string) => boolean {
  const last = lastImport(journal)
  const end = timeOf(last) + 1000
  return (line) =>
    pull?.test(line) === true && (importIn(last) === 'Importing' || timeOf(line) <= end)
}

/** When a line of logrus, or of a container, was written, milliseconds; NaN where it does not say. */
export const timeOf = (line: string) =>
  Date.parse(/(?:\btime="|^)(\d{4}-[^" ]*)/.exec(line)?.[1] ?? '')

const fatal = /level=fatal |msg="Shutdown request received: /
const complaint = /^(?! ).*(error|panic|fatal|fail|incorrect|cannot|no such)/i // options of a usage text are indented

// A known cause stays although RKE2 gets a bit further each time. A failure that nobody foresaw is shown in its own words.
function keepsFailing(
  lines: string[],
  { count, first, result }: Ends,
  at: Place,
): Cause | undefined {
  const line =
    lines.findLast((line) => fatal.test(line)) ??
    lines.findLast((line) => complaint.test(line)) ??
    lines.join('\n')
  const hit = knownIn(line, at)
  if (hit)
    return isOver(hit, lines.slice(lines.lastIndexOf(line))) ? undefined : causeOf(hit, at, line)
  const unit = serviceOf(at.node)
  const words = lines.filter((one) => fatal.test(one)).map(withoutNumbers)
  const isAnother = words.length > 0 && words.indexOf(withoutNumbers(line)) === words.length - 1
  return {
    id: 'keeps-failing',
    why: `RKE2 has ended ${count} times${result && ` (${result})`}, and said: ${lastMessage(line) || 'nothing'}`,
    fix: [
      typedOn(at.node, `sudo journalctl --unit ${unit} --lines 200 --no-pager`),
      typedOn(at.node, `systemctl status ${unit}`),
    ],
    ...(isAnother ? { patience: 120 } : { patience: 45, since: first }),
  }
}

const withoutNumbers = (line: string) => lastMessage(line).replace(/[0-9a-f]*\d[0-9a-f]*/gi, '')

/** The message of the last line that is not empty: the text in logrus' msg="...", or msg=... if it is one word. */
export function lastMessage(journal: string): string {
  const text = journal.trimEnd()
  const line = text.slice(text.lastIndexOf('\n') + 1)
  const said = /\bmsg=(?:"((?:[^"\\]|\\.)*)|([^" ]+))/.exec(line) // a long line was cut
  return (said ? unquoted(said[1] ?? said[2] ?? '') : line).trim()
}

const unquoted = (text: string) =>
  text.replace(/\\(.)/g, (_, char: string) => ('nt'.includes(char) ? ' ' : char))
