// Backups of a cluster, read without this project's code, and printed scripts run by bash.
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Test } from 'tap'
import { fixtures } from './fixtures.ts'
import type { FakeHost } from './fake-host.ts'

/** The text of a file in a tar. */
export const tarText = (file: string, name: string): string =>
  execFileSync('tar', ['-xOf', file, name], { encoding: 'utf8' })

/** Whether a file is named as the backups of a lab are. */
export const isBackupOf = (lab: string) => (name: string) =>
  name.startsWith(`${lab}-`) && name.endsWith('.tar')

const shellcheck = spawnSync('shellcheck', ['--version']).status === 0

/** Checks a printed script and runs it. */
export function bashOf(t: Test, host: FakeHost, input: string): void {
  if (shellcheck) {
    const { status, stdout } = spawnSync('shellcheck', ['-e', 'SC2016', '-'], {
      input,
      encoding: 'utf8',
    })
    t.equal(status, 0, stdout)
  }
  const env = { PATH: host.bin, HOME: join(host.folder, 'home'), STAND_IN: host.state }
  const { status, stderr } = spawnSync('bash', ['-s'], {
    input,
    env: { ...env, FIXTURES: fixtures, SCRIPT_PID: '0' },
    encoding: 'utf8',
  })
  t.equal(status, 0, stderr)
  t.strictSame(host.unknown(), [])
}
