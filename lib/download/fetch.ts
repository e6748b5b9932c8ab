// EDGE. Downloads by curl: shown, resumable, with a progress bar, and kept only when the digest is right.
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { LabError } from '../text/errors.ts'
import type { Digest } from './checksums.ts'
import { progressBar } from '../text/progress.ts'
import { mode, query, run } from '../shell/shell.ts'
import * as ui from '../cli/ui.ts'

// One that stalls for a minute ends; what came so far is kept.
const curl =
  'curl --fail --silent --show-error --location --connect-timeout 20 --speed-limit 1000 --speed-time 60'.split(
    ' ',
  )

/** What curl's exit codes mean to a person (curl(1), EXIT CODES). */
const reasons: Record<number, string> = {
  6: 'the host name cannot be resolved: no internet, or DNS does not work',
  7: 'the server cannot be reached',
  18: 'the connection broke',
  22: 'the server does not have it (HTTP error)',
  23: 'it cannot be written: is the disk full?',
  28: 'the server does not answer in time',
  33: 'the connection broke, and the server gives the whole or nothing',
  56: 'the connection broke',
  60: "the server's certificate is not trusted: is the clock right?",
  127: 'curl is not installed (sudo apt-get install curl)',
}

/** A small text file; or why it cannot be had. */
export async function fetchText(
  url: string,
): Promise<{ text: string; file: string } | { failed: string }> {
  const file = join(tmpdir(), `rke2-kvm-lab-${randomUUID()}`)
  process.once('exit', () => rmSync(file, { force: true }))
  const { code, stderr } = await query`${curl} --max-filesize 10000000 --output ${file} ${url}`
  if (code !== 0) return { failed: reasons[code] ?? stderr }
  return { text: readFileSync(file, 'utf8'), file }
}

/** Why a file cannot be had, without fetching it; undefined when it can. Unsure: some servers refuse to say (HTTP HEAD). */
export async function whyNot(url: string): Promise<{ why: string; sure: boolean } | undefined> {
  const { code, stderr } = await query`${curl} --head --output /dev/null ${url}`
  return code === 0 ? undefined : { why: reasons[code] ?? stderr, sure: code !== 22 }
}

/** Downloads a file for which there is no digest beforehand: the transport (TLS) alone vouches for it. */
export async function downloadUnchecked(url: string, file: string): Promise<void> {
  try {
    await run`test -e ${file} || { mkdir -p ${dirname(file)} && ${curl} --retry 3 --output ${file}.part ${url} && mv ${file}.part ${file}; }`
  } catch (error) {
    throw explained(error, url, `${file}.part`)
  }
}

/** Downloads to `file` by way of `file.part`, going on where an earlier run was cut off, once its curl has ended. */
export async function download(url: string, file: string, digest: Digest): Promise<void> {
  const part = `${file}.part`
  if (!mode.dryRun) mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const total = mode.dryRun ? 0 : await remoteSize(url)
  const stop = watch(part, total)
  const transfer = () =>
    run`mkdir -p ${dirname(file)} && flock ${part} ${curl} --retry 3 --continue-at - --output ${part} ${url}`
  try {
    if (total === 0 || partSize(part) < total)
      await transfer().catch((error: unknown) => {
        if (!cannotResume(error)) throw error
        rmSync(part)
        return transfer()
      })
  } catch (error) {
    throw explained(error, url, part)
  } finally {
    stop()
  }
  try {
    await run`echo ${`${digest.hex}  ${part}`} | ${`${digest.algorithm}sum`} --check --quiet - && mv ${part} ${file}`
  } catch (error) {
    rmSync(part, { force: true })
    throw new LabError(`what came from ${url} does not have the digest that it should have`, {
      details: [`expected ${digest.algorithm} ${digest.hex}`, 'the download was thrown away'],
      hint: 'run this again; if it stays so, the file was replaced, or the digest is wrong',
      cause: error,
    })
  }
}

// A server without byte ranges gives the whole or nothing.
const cannotResume = (error: unknown) => error instanceof LabError && curlCode(error) === 33

const curlCode = ({ message }: LabError) => Number(/exit (\d+)/.exec(message)?.[1])

async function remoteSize(url: string): Promise<number> {
  const { stdout } = await query`${curl} --head ${url}`
  return Number([...stdout.matchAll(/^content-length: (\d+)/gim)].at(-1)?.[1] ?? 0)
}

const partSize = (part: string) => statSync(part, { throwIfNoEntry: false })?.size ?? 0

function watch(part: string, total: number): () => void {
  const start = { at: Date.now(), size: partSize(part) }
  const timer = setInterval(() => {
    const seconds = (Date.now() - start.at) / 1000
    const size = partSize(part)
    ui.paint(`  ${progressBar(size, total, (size - start.size) / seconds)}`)
  }, 250)
  return () => {
    clearInterval(timer)
    ui.paint('')
  }
}

function explained(error: unknown, url: string, part: string): unknown {
  if (!(error instanceof LabError)) return error
  const code = curlCode(error)
  return new LabError(`cannot download ${url}: ${reasons[code] ?? error.message}`, {
    details:
      partSize(part) > 0 && code !== 33
        ? ['what came so far is kept; the next run goes on from there']
        : [],
    hint: error.hint,
    cause: error,
  })
}

/** Puts a text into the cache; a cache that cannot be written only costs time. */
export function writeCache(file: string, text: string): void {
  if (mode.dryRun) return
  const partial = `${file}.${process.pid}`
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    writeFileSync(partial, text)
    renameSync(partial, file)
  } catch {
    rmSync(partial, { force: true })
  }
}
