// rke2/registries.yaml on its way to the nodes, with install-rke2 and join as real processes on a stand-in host.
import { chmodSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { idle, succeeds } from '../helpers/results.ts'

t.setTimeout(300_000)
const host = new FakeHost(t)
await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
host.save()

const nodes = ['kubemaster', 'worker01', 'worker02']
const login = 'the-login-of-the-registry'
const text = (cache: string) =>
  `mirrors:\n  docker.io: { endpoint: [${cache}] }\nconfigs:\n  cache.lan: { auth: { username: me, password: ${login} } }\n`
const onNode = (name: string) => host.onNode(name, 'etc/rancher/rke2/registries.yaml')
const edit = (content: string) =>
  writeFileSync(join(host.project, 'rke2/registries.yaml'), content, { mode: 0o600 })
const starts = () => host.events().filter((one) => one.startsWith('start '))

await t.test(
  'it is laid on every node, which reads it at once; the login is nowhere else',
  async (t) => {
    host.restore()
    edit(text('https://cache.lan'))
    host.put('processes', '')
    const results = []
    for (const script of ['install-rke2', 'join']) results.push(await succeeds(t, host, script))
    for (const name of nodes) {
      t.equal(onNode(name), text('https://cache.lan'))
      const file = join(host.state, 'nodes', name, 'etc/rancher/rke2/registries.yaml')
      t.equal(statSync(file).mode & 0o777, 0o600)
    }
    t.strictSame(
      starts().sort(),
      nodes.map((name) => `start ${name}`),
    )
    const said = results.map(({ stdout, stderr, calls }) => stdout + stderr + calls.join()).join()
    t.notMatch(said + host.read('processes'), login)
    t.notOk(existsSync(join(host.project, '.lab/lab/nodes/worker01/registries.yaml')))
  },
)

await t.test('a second run does nothing; a change restarts the nodes again', async (t) => {
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
  edit(text('https://other.lan'))
  await succeeds(t, host, 'join', 'worker01')
  t.match(onNode('worker01'), 'other.lan')
  t.match(onNode('worker02'), 'cache.lan')
  t.equal(starts().at(-1), 'start worker01')
})

await t.test('the printed script does the same, and has no login in it', async (t) => {
  host.restore()
  edit(text('https://cache.lan'))
  for (const script of ['install-rke2', 'join']) {
    const bash = await printed(t, host, script)
    t.notMatch(bash, login)
    runByBash(t, host, bash)
  }
  for (const name of nodes) t.equal(onNode(name), text('https://cache.lan'))
  await idle(t, host, 'join', 'nothing to do')
})

await t.test('a file that RKE2 would not understand changes nothing', async (t) => {
  host.restore()
  edit('mirrors: { docker.io: { endpoints: [https://cache.lan] } }\n')
  const { code, stderr } = await host.run('join')
  t.equal(code, 2)
  t.match(stderr, 'mirrors.docker.io.endpoints: RKE2 does not know this key')
  t.equal(onNode('worker01'), '')
})

await t.test('a warning about a login that others on this host can read', async (t) => {
  host.restore()
  edit(text('https://cache.lan'))
  t.notMatch((await succeeds(t, host, 'install-rke2')).stderr, 'others on this host')
  chmodSync(join(host.project, 'rke2/registries.yaml'), 0o644)
  const { stderr } = await succeeds(t, host, 'join')
  t.match(stderr, 'others on this host can read the login in it: chmod 600 rke2/registries.yaml')
})

await t.test(
  'a warning where embedded-registry is true, and no mirrors say what to share',
  async (t) => {
    host.restore()
    host.writeLab((lab) => {
      lab.rke2.config = { 'embedded-registry': true }
    })
    const says = async () => (await succeeds(t, host, 'install-rke2', '--dry-run')).stderr
    rmSync(join(host.project, 'rke2/registries.yaml'), { force: true })
    const problem = 'embedded-registry is true, but there is no rke2/registries.yaml'
    t.match(await says(), problem)
    edit('mirrors:\n  "*":\n')
    t.notMatch(await says(), 'embedded-registry is true')
  },
)
