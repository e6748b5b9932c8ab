// A cluster without RKE2's own network plugin, and one with two: install-rke2.ts, join.ts and status.ts as real processes.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fixtures } from '../helpers/fixtures.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { failed, idle, succeeds } from '../helpers/results.ts'

const bare = (lab: RawLab) => (lab.rke2.cni = 'none')

await t.test(
  'cni: none: RKE2 is installed and joined, then the user installs a plugin',
  async (t) => {
    const host = new FakeHost(t, bare, { machines: true })
    const install = await succeeds(t, host, 'install-rke2')
    t.match(
      install.stderr,
      /Wait until the node has registered\n[^]*kubemaster.*only a network plugin/,
    )
    t.match(
      install.stderr,
      /Next: ssh -F \S+ kubemaster sudo \S+kubectl --kubeconfig \S+ apply -f URL {3}# the manifest of your network plugin.*\n {6}npx zx scripts\/join\.ts/,
    )
    t.ok(existsSync(join(host.project, '.lab/lab/kubeconfig')), 'to install the plugin with')
    await idle(t, host, 'install-rke2', 'nothing to do: kubemaster runs RKE2')

    const joined = await succeeds(t, host, 'join')
    t.match(joined.stderr, /worker02 .*NotReady: only a network plugin is missing/)
    t.match(joined.stderr, /apply -f URL .*\n.*get nodes/)
    t.strictSame(host.kubeNodes(), { kubemaster: false, worker01: false, worker02: false })
    await idle(t, host, 'join', 'nothing to do: every node has joined')

    rmSync(join(host.state, 'cluster/no-network'))
    for (const name of ['kubemaster', 'worker01', 'worker02'])
      host.put(`cluster/nodes/${name}`, host.read(`cluster/nodes/${name}`).replace('False', 'True'))
    const ready = await succeeds(t, host, 'join')
    t.match(ready.stderr, 'get nodes')
    t.notMatch(ready.stderr, 'apply -f')
  },
)

await t.test('cni: none: up comes to its end, and says what to install', async (t) => {
  const host = new FakeHost(t, bare)
  const { stderr } = await succeeds(t, host, 'up', '--yes')
  t.match(stderr, /worker02 .*NotReady: only a network plugin is missing/)
  t.match(stderr, /Next: [^]*apply -f URL {3}# the manifest of your network plugin/)
  t.strictSame(host.kubeNodes(), { kubemaster: false, worker01: false, worker02: false })
})

await t.test('cni: none: the printed scripts do the same', async (t) => {
  const host = new FakeHost(t, bare, { machines: true })
  host.put('at-once', '')
  host.save()
  for (const script of ['install-rke2', 'join']) {
    const { stdout: input } = await succeeds(t, host, script, '--dry-run')
    const env = {
      PATH: host.bin,
      HOME: join(host.folder, 'home'),
      STAND_IN: host.state,
      FIXTURES: fixtures,
    }
    const bash = spawnSync('bash', ['-s'], { input, env: { ...env, SCRIPT_PID: '0' } })
    t.equal(bash.status, 0, bash.stderr.toString())
  }
  const byPrinted = host.everything()
  host.restore()
  for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
  t.strictSame(byPrinted, host.everything())
})

await t.test('a node that lacks more than a network is waited for, and reported', async (t) => {
  const host = new FakeHost(t, bare, { machines: true })
  await succeeds(t, host, 'install-rke2')
  host.put(
    'cluster/nodes/kubemaster',
    host.read('cluster/nodes/kubemaster').replace('False', 'Unknown'),
  )
  failed(t, await host.run('install-rke2', ['--timeout', '1']), 'kubemaster: not Ready within 1 s')
})

await t.test(
  '[multus, canal] arrives in config.yaml; a key of the lab file is named',
  async (t) => {
    const both = (lab: RawLab) => (lab.rke2.cni = ['multus', 'canal'])
    const host = new FakeHost(t, both, { machines: true })
    await succeeds(t, host, 'install-rke2')
    t.match(
      host.onNode('kubemaster', 'etc/rancher/rke2/config.yaml'),
      /^cni:\n {2}- multus\n {2}- canal$/m,
    )
    mkdirSync(join(host.project, 'rke2'), { recursive: true })
    writeFileSync(join(host.project, 'rke2/server.yaml'), 'cni: cilium\n')
    const { code, stderr } = await host.run('install-rke2')
    t.equal(code, 2)
    t.match(stderr, 'line 1, cni: is set by the scripts; use rke2.cni in the lab file')
  },
)
