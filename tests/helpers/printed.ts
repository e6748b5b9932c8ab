// Scripts printed by --dry-run, and run by bash.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Test } from 'tap'
import { secret, type FakeHost } from './fake-host.ts'
import { fixtures } from './fixtures.ts'
import { succeeds } from './results.ts'

const shellcheck = spawnSync('shellcheck', ['--version']).status === 0

/** What a script prints; it changes nothing and shows no secret. */
export async function printed(
  t: Test,
  host: FakeHost,
  script: string,
  ...words: string[]
): Promise<string> {
  const before = host.everything()
  const { stdout } = await succeeds(t, host, script, '--dry-run', ...words)
  t.strictSame(host.everything(), before, 'nothing changed')
  t.equal(spawnSync('bash', ['-n'], { input: stdout }).status, 0, 'bash can parse it')
  if (shellcheck) {
    const { status, stdout: found } = spawnSync('shellcheck', ['-e', 'SC2016,SC2043', '-'], {
      input: stdout,
      encoding: 'utf8',
    })
    t.equal(status, 0, found)
  }
  t.notOk(stdout.includes(secret))
  return stdout
}

/** Runs a printed script on the host; returns what it said on stderr. */
export function runByBash(t: Test, host: FakeHost, input: string, wanted = 0): string {
  const { status, stderr } = spawnSync('bash', ['-s'], {
    input,
    env: {
      PATH: host.bin,
      HOME: join(host.folder, 'home'),
      STAND_IN: host.state,
      FIXTURES: fixtures,
      SCRIPT_PID: '0',
    },
    encoding: 'utf8',
  })
  t.equal(status, wanted, stderr)
  return stderr
}
