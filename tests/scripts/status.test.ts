// status.ts as a real process on a stand-in host.
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { fixture } from '../helpers/fixtures.ts'
import { noNetwork } from '../helpers/plans.ts'
import { prepare } from '../helpers/prepare.ts'
import { statusOf } from '../helpers/results.ts'

await t.test('before create there is nothing, and nothing is wrong with that', async (t) => {
  const { code, stdout, stderr, changes } = await new FakeHost(t).run('status')
  t.strictSame([code, stderr, changes], [0, '', []])
  t.matchSnapshot(stdout, 'table')
})

// Each test begins as create leaves the host.
const made = new FakeHost(t)
await prepare(t, made, 'create')
made.save()
function asMade(): FakeHost {
  made.restore()
  return made
}

await t.test('status in all its fields', async (t) => {
  const host = asMade()
  host.put('guests/worker01.error', 'Permission denied (publickey).\n')
  const busy = fixture('cloud-init-done.cloud-init-22.4.2.txt').replace(/== result[^]*/, '')
  host.put('guests/worker02', busy.replace('"stage": null', '"stage": "modules-final"'))
  const { stdout, stderr } = await host.run('status')
  t.matchSnapshot(stdout, 'table')
  t.equal(stderr, '')
  const status = await statusOf(t, host)
  t.matchSnapshot(status, 'JSON')
  t.strictSame(
    status.nodes.map(({ ssh, cloudInit, seed }) => [ssh, cloudInit, seed]),
    [
      ['ok', 'done', 'attached'],
      ['unreachable', null, 'attached'],
      ['ok', 'running', 'attached'],
    ],
  )
})

await t.test('a server reports Kubernetes, also when only an agent is named', async (t) => {
  const host = asMade()
  const item = {
    metadata: { name: 'worker01', labels: {} },
    status: {
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-07-01T10:00:00Z' }],
      nodeInfo: { kubeletVersion: 'v1.36.5+rke2r1' },
    },
  }
  const nodes = `== nodes\n${JSON.stringify({ items: [item] })}\n`
  const done = fixture('cloud-init-done.cloud-init-22.4.2.txt')
  host.put('guests/kubemaster', done + nodes)
  const now = Date.parse('2026-07-01T10:00:10Z') / 1000
  const started = (secondsAgo: number) =>
    `${done}== start\n${(1000 - secondsAgo) * 1e6}\n1000.00 1.00\n${now}.5\n== service\nactive\n`
  host.put('guests/worker01', started(60))
  const status = await statusOf(t, host, 'worker01')
  t.match(status.nodes, [{ name: 'worker01', kubernetes: { ready: true, roles: [] } }])
  t.equal(status.nodes.length, 1)

  await t.test(
    'a Ready that was stored before RKE2 was started again does not count',
    async (t) => {
      host.put('guests/worker01', started(5))
      const { nodes } = await statusOf(t, host, 'worker01')
      t.match(nodes, [{ name: 'worker01', kubernetes: { ready: false } }])
    },
  )
  await t.test('nor that of a machine that is off', async (t) => {
    host.put('domains/worker01/state', 'shut off\n')
    const { nodes } = await statusOf(t, host, 'worker01')
    t.match(nodes, [{ domain: 'shut off', kubernetes: { ready: false } }])
  })
})

await t.test('why a Node is not Ready', async (t) => {
  const host = asMade()
  const item = (name: string, message: string) => ({
    metadata: { name, labels: {} },
    status: { conditions: [{ type: 'Ready', status: 'False', message }] },
  })
  const items = [
    item('worker01', noNetwork),
    item('worker02', 'Kubelet stopped posting node status.'),
  ]
  const nodes = `== nodes\n${JSON.stringify({ items })}\n`
  host.put('guests/kubemaster', fixture('cloud-init-done.cloud-init-22.4.2.txt') + nodes)
  const status = await statusOf(t, host)
  t.strictSame(
    status.nodes.map(({ remark }) => remark),
    [
      null,
      'NotReady: no network plugin runs on it',
      'NotReady: Kubelet stopped posting node status.',
    ],
  )
  const { stdout } = await host.run('status')
  t.match(stdout, /\nworker01: NotReady: no network plugin runs on it\nworker02: NotReady: Kubelet/)
})
