// EDGE. One run at a time on a lab. A child that ends with us holds the kernel's lock (flock), so a killed run leaves
// no lock behind.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LabError, script } from '../text/errors.ts'

const taken = 75

/** Takes the lock in `file`; throws a LabError when another run has it. Returns a function that releases it. */
export async function takeLock(file: string, what: string): Promise<() => void> {
  mkdirSync(resolve(dirname(file)), { recursive: true, mode: 0o700 })
  const holder = spawn('flock', ['-n', '-E', String(taken), file, 'cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // Ctrl-C must not end it before us
  })
  holder.stdin.on('error', () => {}) // where flock ended without the lock
  holder.stdin.write('taken\n') // cat repeats it once flock has the lock
  const answer = await Promise.race([
    new Promise<'taken'>((resolve) => holder.stdout.once('data', () => resolve('taken'))),
    new Promise<number | null>((resolve) => holder.once('exit', resolve)),
    new Promise<Error>((resolve) => holder.once('error', resolve)),
  ])
  if (answer instanceof Error)
    throw new LabError(`cannot run flock: ${answer.message}`, {
      hint: script('doctor', '--fix'),
    })
  if (answer === taken)
    throw new LabError(
      `another run is working on ${what} (process ${readFileSync(file, 'utf8').trim() || 'unknown'})`,
      {
        hint: 'wait until it has ended, then run this again',
      },
    )
  if (answer !== 'taken')
    throw new LabError(`cannot lock ${file}: flock ended with ${answer}`, { hint: `ls -l ${file}` })
  writeFileSync(file, `${process.pid}\n`, { mode: 0o600 })
  holder.unref()
  ;(holder.stdin as unknown as { unref(): void }).unref()
  ;(holder.stdout as unknown as { unref(): void }).unref()
  return () => holder.stdin.end()
}
