// The --dry-run scripts of install-rke2.ts and join.ts, run by bash. Nodes are folders.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost, secret } from '../helpers/fake-host.ts'
import { succeeds } from '../helpers/results.ts'

const shellcheck = spawnSync('shellcheck', ['--version']).status === 0

async function dryRun(t: Test, host: FakeHost, script: string): Promise<string> {
  const before = host.everything()
  const { stdout } = await succeeds(t, host, script, '--dry-run')
  t.strictSame(host.everything(), before, 'nothing changed')
  t.equal(spawnSync('bash', ['-n'], { input: stdout }).status, 0, 'bash can parse it')
  if (shellcheck)
    t.equal(spawnSync('shellcheck', ['-e', 'SC2016', '-'], { input: stdout }).status, 0)
  t.notOk(stdout.includes(secret))
  return stdout
}

await t.test('--dry-run prints whole scripts without secrets, with the same effect', async (t) => {
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
  t.strictSame(
    byPrinted,
    host.everything(),
    'the same files on the host, the nodes and the cluster',
  )
})

await t.test(
  'before the machines exist, everything is printed, with a check that they answer',
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
