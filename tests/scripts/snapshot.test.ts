// snapshot.ts as a real process on a stand-in host.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'

const names = ['kubemaster', 'worker01', 'worker02']
const changes = (calls: string[]) =>
  calls.map((call) => call.replace(/^virsh -c \S+ /, '')).filter((call) => !/^ssh/.test(call))
const snapshotsIn = (host: FakeHost, name: string) => {
  const folder = join(host.state, `domains/${name}/snapshots`)
  return existsSync(folder) ? readdirSync(folder).sort() : []
}
const all = (host: FakeHost) =>
  Object.fromEntries(names.map((name) => [name, snapshotsIn(host, name)]))
const onEach = (...some: string[]) => Object.fromEntries(names.map((name) => [name, some]))
const states = (host: FakeHost) => names.map((name) => host.read(`domains/${name}/state`).trim())
const allOff = ['shut off', 'shut off', 'shut off']
const allOn = ['running', 'running', 'running']

async function cluster(t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) {
  const host = new FakeHost(t, change)
  for (const script of ['create', 'eject', 'install-rke2', 'join']) await succeeds(t, host, script)
  host.save()
  return host
}
const made = await cluster(t)

await t.test('save, break, revert: every node is Ready again', async (t) => {
  const host = made
  host.restore()
  const whole = host.everything()
  const saved = await succeeds(t, host, 'snapshot', 'save', 'base')
  t.strictSame(all(host), onEach('base'))
  t.strictSame(states(host), allOn)
  const order = changes(saved.changes)
  t.ok(
    order.lastIndexOf('shutdown kubemaster') <
      order.findIndex((one) => /^snapshot-create/.test(one)),
  )
  t.ok(
    order.findLastIndex((one) => /^snapshot-create/.test(one)) <
      order.findIndex((one) => /^start /.test(one)),
  )
  t.match(saved.stderr, 'Next: npx zx scripts/status.ts')
  t.strictSame(host.everything(), whole, 'nothing else has changed')

  host.onNode('worker01', 'etc/rancher/rke2/config.yaml', 'broken\n')
  host.onNode('kubemaster', 'var/lib/rancher/rke2/server/token', 'lost\n')
  host.forget('cluster/nodes/worker02')
  const back = await succeeds(t, host, 'snapshot', 'revert', 'base', '--yes')
  t.strictSame(host.everything(), whole, 'all is as it was')
  t.strictSame(states(host), allOn)
  t.match(back.stderr, /Cut the power[^]*Back to base[^]*Wait for the agents/)
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
})
