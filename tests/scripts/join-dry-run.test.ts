// What install-rke2.ts and join.ts print for --dry-run, read and run by bash, against nodes that are folders.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost, secret } from '../helpers/fake-host.ts'
import { succeeds } from '../helpers/results.ts'

await t.test(
  '--dry-run: whole scripts, without a secret, that do what the scripts do',
  async (t) => {
    const host = new FakeHost(t, undefined, { machines: true })
    host.put('at-once', '')
    const shellcheck = spawnSync('shellcheck', ['--version']).status === 0
    const printed = async (script: string, ...words: string[]) => {
      const before = host.everything()
      const result = await succeeds(t, host, script, '--dry-run', ...words)
      t.strictSame(host.everything(), before, 'nothing is changed')
      t.equal(spawnSync('bash', ['-n'], { input: result.stdout }).status, 0, 'bash can read it')
      if (shellcheck)
        t.equal(spawnSync('shellcheck', ['-e', 'SC2016', '-'], { input: result.stdout }).status, 0)
      t.notOk(result.stdout.includes(secret))
      return result.stdout
    }
    const bash = (input: string) => {
      const env = { PATH: host.bin, HOME: join(host.folder, 'home'), STAND_IN: host.state }
      const { status, stderr } = spawnSync('bash', ['-s'], {
        input,
        env: { ...env, SCRIPT_PID: '0' },
        encoding: 'utf8',
      })
      t.equal(status, 0, stderr)
    }
    host.save()
    bash(await printed('install-rke2'))
    bash(await printed('join'))
    t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
    const byPrinted = host.everything()
    t.notMatch(await printed('install-rke2'), /curl|scp|systemctl/)
    t.notMatch(await printed('join'), /curl|scp|systemctl/)

    host.restore()
    await succeeds(t, host, 'install-rke2')
    await succeeds(t, host, 'join')
    t.strictSame(byPrinted, host.everything(), 'the same files on host, nodes and cluster')
  },
)
