// What install-rke2.ts and join.ts print for --dry-run, read and run by bash, against nodes that are folders.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost, secret } from '../helpers/fake-host.ts'
import { succeeds } from '../helpers/results.ts'

const shellcheck = spawnSync('shellcheck', ['--version']).status === 0

async function dryRun(t: Test, host: FakeHost, script: string): Promise<string> {
  const before = host.everything()
  const { stdout } = await succeeds(t, host, script, '--dry-run')
  t.strictSame(host.everything(), before, 'nothing is changed')
  t.equal(spawnSync('bash', ['-n'], { input: stdout }).status, 0, 'bash can read it')
  if (shellcheck)
    t.equal(spawnSync('shellcheck', ['-e', 'SC2016', '-'], { input: stdout }).status, 0)
  t.notOk(stdout.includes(secret))
  return stdout
}

await t.test(
  '--dry-run: whole scripts, without a secret, that do what the scripts do',
  async (t) => {
    const host = new FakeHost(t, undefined, { machines: true })
    host.put('at-once', '')
    const printed = (script: string) => dryRun(t, host, script)
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

await t.test(
  'before there are machines all of it is printed, and what it needs of them',
  async (t) => {
    const host = new FakeHost(t)
    const reach = (name: string) => `\nssh -F .lab/lab/ssh_config ${name} true\n`
    const install = await dryRun(t, host, 'install-rke2')
    for (const text of [reach('kubemaster'), 'curl', 'scp', 'start --no-block', 'kubeconfig.part'])
      t.match(install, text)
    t.ok(install.indexOf(reach('kubemaster')) < install.indexOf('curl'))
    const join = await dryRun(t, host, 'join')
    for (const name of ['worker01', 'worker02'])
      for (const text of [
        reach(name),
        `${name}:rke2-artifacts/`,
        `--for=condition=Ready node/${name}`,
      ])
        t.match(join, text)
    t.match(join, 'kubemaster systemctl is-active rke2-server')
  },
)
