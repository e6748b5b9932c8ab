// rke2/manifests on its way to the servers, with install-rke2 and join as real processes on a stand-in host.
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, shown, succeeds, type Status } from '../helpers/results.ts'

t.setTimeout(300_000)
const host = new FakeHost(t, (lab) => {
  lab.nodes.slice(1, 2).forEach((node) => (node.role = 'server'))
})
await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
host.save()

const servers = ['kubemaster', 'worker01']
const there = 'var/lib/rancher/rke2/server/manifests'
const secretText = 'a-secret-of-a-manifest'
const manifest = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, namespace: default }\ndata: { key: ${value} }\n`
const onServer = (name: string, file: string) => host.onNode(name, `${there}/${file}`)
const edit = (name: string, text: string) => {
  mkdirSync(join(host.project, 'rke2/manifests'), { recursive: true })
  writeFileSync(join(host.project, 'rke2/manifests', name), text, { mode: 0o600 })
}
const both = async (t: Test) => [
  await succeeds(t, host, 'install-rke2'),
  await succeeds(t, host, 'join'),
]
const starts = () => host.events().filter((one) => one.startsWith('start '))

await t.test('they go to every server, for root only, and nothing restarts', async (t) => {
  host.restore()
  edit('a.yaml', manifest(secretText))
  edit('b.yaml', manifest('b').replace('name: x', 'name: second'))
  host.put('processes', '')
  const results = await both(t)
  for (const name of servers) {
    t.equal(onServer(name, 'a.yaml'), manifest(secretText))
    t.equal(statSync(join(host.state, 'nodes', name, there, 'a.yaml')).mode & 0o777, 0o600)
    t.match(onServer(name, '.rke2-kvm-lab'), /^[0-9a-f]{64} {2}a\.yaml\n[0-9a-f]{64} {2}b\.yaml\n$/)
  }
  t.equal(onServer('worker02', 'a.yaml'), '', 'an agent has none')
  t.strictSame(starts(), [])
  const said = results.map(({ stdout, stderr, calls }) => stdout + stderr + calls.join()).join()
  t.notMatch(said + host.read('processes'), secretText)
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
})

await t.test('a change goes to all; what is removed here goes aside there', async (t) => {
  edit('a.yaml', manifest('changed'))
  rmSync(join(host.project, 'rke2/manifests/b.yaml'))
  const [first, second] = await both(t)
  for (const name of servers) {
    t.equal(onServer(name, 'a.yaml'), manifest('changed'))
    t.equal(onServer(name, 'b.yaml'), '')
    t.match(onServer(name, '.b.yaml.removed'), 'name: second')
  }
  t.match(first?.stderr, /b\.yaml is removed from kubemaster \(join.*, but RKE2 leaves/)
  t.match(
    first?.stderr,
    `kubectl --kubeconfig /etc/rancher/rke2/rke2.yaml delete --ignore-not-found -f /${there}/.b.yaml.removed`,
  )
  t.notMatch(second?.stderr, 'b.yaml is removed', 'said once')
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
})

await t.test('join alone keeps those alike that do not join', async (t) => {
  edit('a.yaml', manifest('again'))
  await succeeds(t, host, 'join', 'worker02')
  for (const name of servers) t.match(onServer(name, 'a.yaml'), 'again')
})

await t.test('a server that is off may have old ones, and that is said', async (t) => {
  const said = '! worker01: not reached, so its manifests may be old'
  rmSync(join(host.project, 'rke2/manifests/a.yaml'))
  host.put('domains/worker01/state', 'shut off\n')
  await succeeds(t, host, 'install-rke2')
  for (const text of [undefined, manifest('again')]) {
    if (text) edit('a.yaml', text)
    t.match((await succeeds(t, host, 'join', 'worker02')).stderr, said)
  }
  const { stdout } = await succeeds(t, host, 'status')
  t.match(stdout, /\na\.yaml +\d of 1 .*\nnot counted, as there was no answer: 1 server\n/s)
  host.put('domains/worker01/state', 'running\n')
  await both(t)
})

await t.test('a file of ours that was changed or deleted there is put again', async (t) => {
  host.onNode('kubemaster', `${there}/a.yaml`, 'changed: there\n')
  rmSync(join(host.state, 'nodes/worker01', there, 'a.yaml'))
  await both(t)
  for (const name of servers) t.match(onServer(name, 'a.yaml'), 'again')
})

await t.test('status shows which servers have a file, and whether RKE2 applied it', async (t) => {
  const states = async () => {
    const { stdout } = await succeeds(t, host, 'status', '--json')
    return (JSON.parse(stdout) as Status).manifests
  }
  const applied = { file: 'a.yaml', servers: 2, of: 2, addon: 'applied', remark: null }
  t.strictSame(await states(), [applied])
  const message = 'failed to create x: no matches for kind'
  const event = { involvedObject: { name: 'a' }, reason: 'ApplyManifestFailed', message }
  host.put('cluster/addon-events', JSON.stringify({ items: [event] }))
  t.strictSame(await states(), [
    { ...applied, addon: 'failed', remark: `ApplyManifestFailed: ${message}` },
  ])
  host.forget('cluster/addon-events')
  edit('a.yaml', manifest('not yet there'))
  edit('new.yaml', manifest('new').replace('name: x', 'name: new'))
  const { stdout } = await succeeds(t, host, 'status')
  t.match(stdout, /\n\nMANIFEST +SERVERS +ADDON\na.yaml +0 of 2 +applied\nnew.yaml +0 of 2 +-\n/)
  t.match(stdout, 'a.yaml: not on all servers as it is here: run install-rke2.ts and join.ts\n')
  rmSync(join(host.project, 'rke2/manifests/a.yaml'))
  t.match((await states())[0]?.remark, 'no longer here')
})

await t.test('the printed scripts do the same, without what is in the files', async (t) => {
  host.restore()
  edit('a.yaml', manifest(secretText))
  for (const script of ['install-rke2', 'join']) {
    const bash = await printed(t, host, script)
    t.notMatch(bash, secretText)
    runByBash(t, host, bash)
  }
  for (const name of servers) t.equal(onServer(name, 'a.yaml'), manifest(secretText))
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
  rmSync(join(host.project, 'rke2/manifests/a.yaml'))
  t.match(runByBash(t, host, await printed(t, host, 'install-rke2')), 'a.yaml is removed')
  t.equal(onServer('kubemaster', 'a.yaml'), '')
})

await t.test("another person's file is named and stays", async (t) => {
  host.restore()
  edit('a.yaml', manifest('ours'))
  host.onNode('kubemaster', `${there}/a.yaml`, manifest('theirs'))
  host.onNode('kubemaster', `${there}/other.yaml`, manifest('theirs'))
  failed(t, await host.run('install-rke2'), `kubemaster: a.yaml in /${there}: someone put it there`)
  t.match(onServer('kubemaster', 'a.yaml'), 'theirs')
  host.onNode('kubemaster', `${there}/a.yaml`, manifest('ours')) // the same bytes may stay
  await succeeds(t, host, 'install-rke2')
  t.match(onServer('kubemaster', '.rke2-kvm-lab'), 'a.yaml')
  t.match(onServer('kubemaster', 'other.yaml'), 'theirs')
  host.onNode('worker01', `${there}/sub/a.json`, '{}')
  failed(t, await host.run('join'), 'worker01', 'sub/a.json in')
})

await t.test('a manifest that RKE2 would not take changes nothing', async (t) => {
  host.restore()
  edit('a.yaml', 'kind: ConfigMap\n')
  const result = await host.run('install-rke2')
  t.equal(result.code, 2)
  t.match(result.stderr, 'a.yaml: line 1: this document lacks apiVersion, metadata.name')
  t.strictSame(shown(result), [])
})

await t.test('MetalLB beside servicelb is refused', async (t) => {
  host.restore()
  host.writeLab((lab) => (lab.rke2.config = { 'enable-servicelb': true }))
  cpSync(
    join(host.project, 'rke2/examples/metallb.yaml'),
    join(host.project, 'rke2/manifests/metallb.yaml'),
  )
  const result = await host.run('install-rke2')
  t.equal(result.code, 2)
  t.match(
    result.stderr,
    'metallb.yaml: MetalLB and enable-servicelb would both serve every Service',
  )
  t.strictSame(shown(result), [])
})

await t.test(
  'images that rke2.images does not bring are named, and a range that leads nowhere',
  async (t) => {
    host.restore()
    host.writeLab((lab) => {
      lab.nodes.slice(1, 2).forEach((node) => (node.role = 'server'))
      lab.rke2.images = true
    })
    edit('a.yaml', manifest('{ image: registry.test/app:1.0 }'))
    const pool = join(host.project, 'rke2/examples/metallb-pool.yaml')
    cpSync(pool, join(host.project, 'rke2/manifests/pool.yaml'))
    const { stderr } = await succeeds(t, host, 'install-rke2')
    t.match(stderr, 'pool.yaml: 192.168.1.240-192.168.1.249 is in no network of the nodes')
    t.match(
      stderr,
      "rke2.images brings RKE2's own images, not these: registry.test/app:1.0; see docs/",
    )
  },
)

await t.test('on new machines they are there before the first start', async (t) => {
  const fresh = new FakeHost(t)
  await prepare(t, fresh, 'create', 'eject')
  mkdirSync(join(fresh.project, 'rke2/manifests'), { recursive: true })
  writeFileSync(join(fresh.project, 'rke2/manifests/a.yaml'), manifest('early'))
  const { stderr } = await succeeds(t, fresh, 'install-rke2')
  t.ok(stderr.indexOf('manifests/.a.yaml.new') < stderr.indexOf('systemctl start'), stderr)
  t.equal(fresh.onNode('kubemaster', `${there}/a.yaml`), manifest('early'))
  await idle(t, fresh, 'install-rke2', 'nothing to do')
})

await t.test('killed at any step, the next run ends it', (t) =>
  killAfterEachCall(
    t,
    'install-rke2',
    async (t) => {
      const host = new FakeHost(t)
      await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
      const folder = join(host.project, 'rke2/manifests')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'old.yaml'), manifest('old'))
      await succeeds(t, host, 'install-rke2')
      rmSync(join(folder, 'old.yaml'))
      for (const name of ['a', 'b'])
        writeFileSync(
          join(folder, `${name}.yaml`),
          manifest(name).replace('name: x', `name: ${name}`),
        )
      return host
    },
    { cuts: [], only: /manifests/, least: 2 },
  ),
)
