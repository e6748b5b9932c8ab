// What scripts make of a host is kept for the next test that begins with the same: npm test keeps it for all files, in $PREPARED.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { FakeHost } from './fake-host.ts'
import { succeeds } from './results.ts'

const kept = process.env.PREPARED ?? mkdtempSync(join(tmpdir(), 'prepared-'))
if (!process.env.PREPARED) process.on('exit', () => rmSync(kept, { recursive: true, force: true }))

const beingMade = new Map<string, Promise<void>>()
const copy = (from: string, to: string) =>
  ['project', 'home', 'stand-in'].forEach((place) => {
    rmSync(join(to, place), { recursive: true, force: true })
    execFileSync('cp', ['-a', join(from, place), join(to, place)])
  })

/** Runs scripts on a new host, or gives it what they left on one that was the same. */
export async function prepare(t: Test, host: FakeHost, ...scripts: string[]): Promise<void> {
  const folder = join(kept, digestOf(host, scripts))
  const isMade = beingMade.get(folder)
  if (!isMade && !existsSync(folder)) {
    beingMade.set(folder, make(t, host, scripts, folder))
    return beingMade.get(folder)
  }
  await isMade
  copy(folder, host.folder)
  moved(host, readFileSync(join(folder, 'of'), 'utf8'))
}

async function make(t: Test, host: FakeHost, scripts: string[], to: string): Promise<void> {
  for (const script of scripts) await succeeds(t, host, script)
  const partial = mkdtempSync(join(kept, 'partial-'))
  copy(host.folder, partial)
  writeFileSync(join(partial, 'of'), host.folder)
  try {
    renameSync(partial, to)
  } catch {
    rmSync(partial, { recursive: true }) // another file's test has made it meanwhile
  }
}

/** The only files with absolute paths. */
function moved(host: FakeHost, from: string): void {
  const files = [join(host.state, 'calls'), join(host.project, '.lab/lab/ssh_config')]
  for (const file of files)
    if (existsSync(file))
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll(from, host.folder))
}

function digestOf(host: FakeHost, scripts: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(scripts))
  const entries = readdirSync(host.folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) {
    const name = file.slice(host.folder.length)
    digest.update(`\0${name}\0`)
    // Archives have the time in them.
    if (!/\/mirror\//.test(name)) digest.update(readFileSync(file))
  }
  return digest.digest('hex').slice(0, 16)
}
