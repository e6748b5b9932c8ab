// EDGE. Downloads by curl, as steps: resumed after an interruption, and kept only when the digest is right. All labs of this
// user share them.
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { query } from '../shell/bash.ts'
import type { Shell } from '../shell/carry-out.ts'
import { sh, type Run } from '../shell/steps.ts'
import { LabError, script, type CommandError, type Hint } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import type { Digest } from './checksums.ts'

/** The folder for everything downloaded and verified. */
export const cacheDir = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rke2-kvm-lab')

/** Does work that only one lab may do at a time: downloads, and base images in the shared pool. */
export const withCacheLock = <T>(shell: Shell, work: () => Promise<T>): Promise<T> =>
  shell.locked(join(cacheDir(), 'lock'), 'the downloads that all labs share', work)

/** curl; a download that stalls for a minute ends, and the part so far is kept. */
export const curl =
  'curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60'.split(
    ' ',
  )

/** What curl's exit codes mean to a person (curl(1), EXIT CODES); what curl itself said is shown behind it. */
const reasons: Record<number, string> = {
  6: 'the host name cannot be resolved: no internet, or DNS does not work',
  7: 'the server cannot be reached',
  18: 'the connection broke',
  22: 'the server does not have it (HTTP error)',
  23: 'it cannot be written: is the disk full?',
  28: 'the server does not answer in time',
  56: 'the connection broke',
  60: "the server's certificate is not trusted: the clock is wrong, or a proxy of your company signs with its own CA",
  127: 'curl is not installed',
}

// A proxy answers for the server: 407 asks for a password, 403 forbids.
const isProxy = (said: string) => /CONNECT tunnel failed|proxy/i.test(said)

/** Why curl failed, in a line. */
function reason(status: number, said: string): string {
  const last = said.trim().split('\n').at(-1) ?? ''
  const why = isProxy(said) ? 'the proxy of this host does not let it through' : reasons[status]
  return why && last ? `${why} (${last})` : (why ?? last)
}

/** What helps against it, where something is known to. */
function fixFor(status: number, said: string): Hint[] | undefined {
  if (status === 127) return [script('doctor', '--fix')]
  if (isProxy(said))
    return [
      'env | grep -i _proxy   # is the address right, and does it hold the user and the password?',
    ]
  if (status !== 60) return undefined
  return [
    'date   # is the clock right?',
    '# the CA of your company: put it where curl finds it, then try again',
    'export CURL_CA_BUNDLE=/path/to/ca.pem',
  ]
}

/** A small text file, or why it cannot be fetched; `isAbsent` when the server says that it has none. */
export async function fetchText(
  url: string,
): Promise<
  { text: string; file: string } | { failed: string; isAbsent: boolean; fix: Hint[] | undefined }
> {
  const file = join(tmpdir(), `rke2-kvm-lab-${randomUUID()}`)
  process.once('exit', () => rmSync(file, { force: true }))
  const { code, stderr } = await query`${curl} --max-filesize 10000000 --output ${file} ${url}`
  if (code !== 0)
    return {
      failed: reason(code, stderr),
      isAbsent: code === 22 && /error: (404|410)\b/.test(stderr),
      fix: fixFor(code, stderr),
    }
  return { text: readFileSync(file, 'utf8'), file }
}

export type Obstacle = { why: string; sure: boolean; fix?: Hint[] | undefined }

/** Why a file cannot be fetched; undefined when it can. Not `sure` where the server may only refuse HEAD requests. */
export async function whyNot(url: string): Promise<Obstacle | undefined> {
  const { code, stderr } = await query`${curl} --head --output /dev/null ${url}`
  if (code === 0) return undefined
  return { why: reason(code, stderr), sure: code !== 22, fix: fixFor(code, stderr) }
}

/** The steps for a printed script too, which may run when the file is there already. */
export const unlessThere = (file: string, steps: Run[]): Run[] =>
  steps.map((step) => ({ ...step, bash: `${commandText`test -e ${file}`} || ${step.bash}` }))

/** To `file.part`, resuming an earlier run's download once its curl has ended. */
export function fetchPart(url: string, file: string, isWhole: string): Run[] {
  const part = `${file}.part`
  const get = (...more: string[]) =>
    commandText`flock ${part} ${[...curl, '--retry', '3', ...more]} --output ${part} ${url}`
  // Exit status 33: the server has no byte ranges, so the file is fetched from the start.
  const whole = `{ code=$?; test $code -eq 33 || (exit $code); ${commandText`rm ${part}`}; ${get()}; }`
  const skip = sizeOf(part) > 0 ? `${isWhole} || ` : ''
  return [
    {
      do: 'run',
      bash: `${skip}${get('--continue-at', '-')} ||\n  ${whole}`,
      grows: { file: part, url },
      explain: (error) => explained(error, url, part),
    },
  ]
}

/** Fetches a file, into a folder that exists, and keeps it when it has the digest. */
export function fetchChecked(url: string, file: string, { algorithm, hex }: Digest): Run[] {
  const part = `${file}.part`
  const check = sh`echo ${`${hex}  ${part}`} | ${`${algorithm}sum`} --check --status -`
  const details = [`expected ${algorithm} ${hex}`, 'the download was removed']
  return unlessThere(file, [
    ...fetchPart(url, file, check.bash),
    {
      ...check,
      undo: commandText`rm -f ${part}`,
      explain: (error) => wrongDigest(url, details, error),
    },
    sh`mv ${part} ${file}`,
  ])
}

export const wrongDigest = (url: string, details: string[], cause: CommandError) =>
  new LabError(`the download from ${url} does not have the expected digest`, {
    details,
    hint: 'run this again; if it fails again, the file was replaced or the digest is wrong',
    cause,
  })

const sizeOf = (part: string) => statSync(part, { throwIfNoEntry: false })?.size ?? 0

export function explained(error: CommandError, url: string, part: string): LabError {
  const { status, stderr } = error.failed
  return new LabError(`cannot download ${url}: ${reason(status, stderr) || error.message}`, {
    details:
      sizeOf(part) > 0
        ? ['the part that was downloaded is kept; the next run continues from there']
        : [],
    hint: fixFor(status, stderr) ?? commandText`curl --location --head ${url}`,
    cause: error,
  })
}
