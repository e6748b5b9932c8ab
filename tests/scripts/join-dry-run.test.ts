// The --dry-run scripts of install-rke2.ts and join.ts, run by bash. Nodes are folders.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { succeeds } from '../helpers/results.ts'

await t.test('--dry-run prints whole scripts without secrets, with the same effect', async (t) => {
  const host = new FakeHost(t, undefined, { machines: true })
  host.put('at-once', '')
  host.save()
  runByBash(t, host, await printed(t, host, 'install-rke2'))
  runByBash(t, host, await printed(t, host, 'join'))
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
  const byPrinted = host.everything()
  t.notMatch(await printed(t, host, 'install-rke2'), /curl|scp|systemctl/)
  t.notMatch(await printed(t, host, 'join'), /curl|scp|systemctl/)

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
  'a secret in the configuration is shown nowhere, and arrives all the same',
  async (t) => {
    const host = new FakeHost(t, (lab) => (lab.rke2.config = { 'etcd-s3-secret-key': 'hide-me' }), {
      machines: true,
    })
    host.put('at-once', '')
    writeFileSync(
      join(host.project, 'rke2/agent.yaml'),
      'kubelet-env:\n- PASSWORD=hide-me\n- A=b\n',
    )
    host.save()
    const [left, everything]: [string[][], unknown[]] = [[], []]
    for (const way of ['printed', 'carried out']) {
      for (const script of ['install-rke2', 'join']) {
        const words = way === 'printed' ? ['--dry-run', '--verbose'] : ['--verbose']
        const { stdout, stderr } = await succeeds(t, host, script, ...words)
        t.notMatch(stdout + stderr, 'hide-me')
        if (way === 'printed') runByBash(t, host, stdout)
      }
      const etc = (node: string) => join(host.state, 'nodes', node, 'etc/rancher/rke2/config.yaml')
      left.push(['kubemaster', 'worker01'].map((node) => readFileSync(etc(node), 'utf8')))
      everything.push(host.everything())
      host.restore()
    }
    t.match(left[0], [
      /\netcd-s3-secret-key: hide-me\n$/,
      /\nkubelet-env:\n- PASSWORD=hide-me\n- A=b\n$/,
    ])
    t.strictSame(left[0], left[1])
    t.strictSame(everything[0], everything[1])
  },
)

await t.test(
  'before the machines exist, everything is printed, with a check that they answer',
  async (t) => {
    const host = new FakeHost(t)
    const reach = (name: string) => `\nssh -F .lab/lab/ssh_config ${name} true\n`
    const install = await printed(t, host, 'install-rke2')
    for (const text of [reach('kubemaster'), 'curl', 'scp', 'start --no-block', 'kubeconfig.part'])
      t.match(install, text)
    t.ok(install.indexOf(reach('kubemaster')) < install.indexOf('curl'))
    const join = await printed(t, host, 'join')
    for (const name of ['worker01', 'worker02'])
      for (const text of [
        reach(name),
        `${name}:rke2-artifacts/`,
        ` get node ${name} --ignore-not-found`,
      ])
        t.match(join, text)
    t.match(join, 'kubemaster systemctl is-active --quiet rke2-server')
  },
)
