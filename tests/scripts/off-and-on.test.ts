// stop.ts and start.ts as real processes on a stand-in host.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, succeeds } from '../helpers/results.ts'

const threeServers = [
  { name: 'kubemaster', role: 'server', address: '192.0.2.30' },
  { name: 'worker01', role: 'server', address: '192.0.2.31' },
  { name: 'worker02', role: 'server', address: '192.0.2.32' },
]
const isOff = (host: FakeHost, name: string) => host.read(`domains/${name}/state`) === 'shut off\n'
const states = (host: FakeHost) =>
  ['kubemaster', 'worker01', 'worker02'].map((name) => isOff(host, name))
const changes = (calls: string[]) => calls.map((call) => call.replace(/^virsh -c \S+ /, ''))

async function cluster(t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) {
  const host = new FakeHost(t, change)
  await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
  host.save()
  return host
}
const made = await cluster(t)

await t.test('agents off first, servers last; on again until every node is Ready', async (t) => {
  const host = made
  host.restore()
  const off = await succeeds(t, host, 'stop')
  const order = changes(off.changes).filter((call) => call.startsWith('shutdown'))
  t.strictSame(order.slice(0, 2).sort(), ['shutdown worker01', 'shutdown worker02'])
  t.strictSame(order.slice(2), ['shutdown kubemaster'])
  t.strictSame(states(host), [true, true, true])
  t.match(off.stderr, 'Next: npx zx scripts/start.ts')
  await idle(t, host, 'stop', 'nothing to do: every machine is off')

  const before = host.events().length
  const on = await succeeds(t, host, 'start')
  t.strictSame(states(host), [false, false, false])
  t.match(on.stderr, /Wait for the servers[^]*Wait for the agents/)
  t.strictSame(host.events().slice(before).sort(), [
    'ready kubemaster',
    'ready worker01',
    'ready worker02',
  ])
  t.match(on.stderr, 'Next: npx zx scripts/status.ts')
  await idle(t, host, 'start', 'nothing to do: every machine is on, and every node is Ready')
})

await t.test('some nodes; an agent whose server is off is reported', async (t) => {
  const host = made
  host.restore()
  const { stderr, changes: done } = await succeeds(t, host, 'stop', 'worker01')
  t.strictSame(changes(done), ['shutdown worker01'])
  t.match(stderr, 'Next: npx zx scripts/start.ts worker01')
  await succeeds(t, host, 'stop', 'kubemaster')
  const result = await host.run('start', ['worker01'])
  failed(
    t,
    result,
    'no server to join: kubemaster is off',
    'try: npx zx scripts/start.ts kubemaster',
  )
  t.strictSame(states(host), [true, false, false], 'the machine is on all the same')
  await succeeds(t, host, 'start')
})

await t.test('a service that someone stopped is started; a disabled one as well', async (t) => {
  const host = made
  host.restore()
  host.onNode('worker02', 'run/rke2-agent', 'inactive\n')
  const { stderr } = await succeeds(t, host, 'start')
  t.match(stderr, 'sudo systemctl start --no-block rke2-agent')
  t.equal(host.onNode('worker02', 'run/rke2-agent'), 'active\n')
})

await t.test('a guest that does not listen: asked before its power is cut', async (t) => {
  const host = made
  host.restore()
  host.put('deaf', 'worker02\n')
  const refused = await host.run('stop', ['--timeout', '2'])
  failed(t, refused, 'there is no terminal to ask on', 'worker02: still on after 2 s')
  t.strictSame(states(host), [false, true, false], 'the servers are not touched')
  const { stderr, changes: done } = await succeeds(t, host, 'stop', '--timeout', '2', '--yes')
  t.match(stderr, 'as in a power cut')
  t.ok(changes(done).includes('destroy worker02'))
  t.strictSame(states(host), [true, true, true])
})

await t.test('a paused machine is woken first, so that it can shut down', async (t) => {
  const host = made
  host.restore()
  host.put('domains/worker01/state', 'paused\n')
  const { changes: done } = await succeeds(t, host, 'stop', 'worker01')
  t.strictSame(changes(done), ['resume worker01', 'shutdown worker01'])
})

await t.test('what is not made, and what belongs to someone else', async (t) => {
  const host = new FakeHost(t)
  await idle(t, host, 'stop', 'nothing to do: every machine is off')
  failed(t, await host.run('stop', ['worker01']), 'there is no such machine: worker01')
  failed(
    t,
    await host.run('start'),
    'there are no such machines: kubemaster, worker01, worker02',
    'try: npx zx scripts/create.ts kubemaster worker01 worker02',
  )
})

await t.test('machines without RKE2 are switched off and on, too', async (t) => {
  const host = new FakeHost(t)
  await succeeds(t, host, 'create') // their seeds are still in
  await succeeds(t, host, 'stop')
  const { stderr } = await succeeds(t, host, 'start')
  t.match(stderr, 'Next: npx zx scripts/install-rke2.ts')
})

await t.test('three servers: on together; a warning before etcd loses its quorum', async (t) => {
  const host = await cluster(t, (lab) => (lab.nodes = structuredClone(threeServers)))
  const one = await host.run('stop', ['worker01'])
  t.notMatch(one.stderr, 'etcd needs more than half')
  const two = await succeeds(t, host, 'stop', 'worker02')
  t.match(two.stderr, '1 of 3 servers stay on: etcd needs more than half')
  await succeeds(t, host, 'stop')
  const { calls } = await succeeds(t, host, 'start')
  const first = calls.findIndex((call) => call.startsWith('ssh'))
  t.equal(calls.slice(0, first).filter((call) => / start /.test(call)).length, 3)
})

await t.test('autostart: libvirt starts the machines with the host', async (t) => {
  const host = new FakeHost(t, (lab) => (lab.autostart = true))
  const { changes: done } = await succeeds(t, host, 'create')
  t.equal(changes(done).filter((call) => call.startsWith('autostart ')).length, 3)
  host.writeLab((lab) => (lab.autostart = false))
  const { changes: again } = await succeeds(t, host, 'create')
  t.strictSame(changes(again).sort(), [
    'autostart kubemaster --disable',
    'autostart worker01 --disable',
    'autostart worker02 --disable',
  ])
  host.writeLab()
  t.strictSame((await succeeds(t, host, 'create')).changes, [], 'without the key it is yours')
})

await t.test('--dry-run, run by bash, does the same', async (t) => {
  const host = made
  host.restore()
  host.put('at-once', '')
  runByBash(t, host, await printed(t, host, 'stop'))
  t.strictSame(states(host), [true, true, true])
  t.match(await printed(t, host, 'stop'), '# nothing to do')
  runByBash(t, host, await printed(t, host, 'start'))
  t.strictSame(states(host), [false, false, false])
  for (const name of ['kubemaster', 'worker01', 'worker02'])
    t.equal(host.onNode(name, `run/rke2-${name === 'kubemaster' ? 'server' : 'agent'}`), 'active\n')
  t.notMatch(await printed(t, host, 'start'), /virsh .* start /)
  t.notOk(existsSync(join(host.state, 'unknown')))
})

await t.test('killed after every change, the next run finishes', async (t) => {
  const host = made
  for (const [script, before] of [
    ['stop', []],
    ['start', ['stop']],
  ] as const) {
    host.restore()
    for (const other of before) await succeeds(t, host, other)
    const { changes: all } = await succeeds(t, host, script)
    const whole = host.everything()
    for (const after of all) {
      host.restore()
      for (const other of before) await succeeds(t, host, other)
      host.put('kill-after', `1\n${after}`)
      t.equal((await host.run(script)).code, null, `killed after ${after}`)
      await succeeds(t, host, script)
      t.strictSame(host.everything(), whole, 'all is as if it had not been killed')
    }
  }
})
