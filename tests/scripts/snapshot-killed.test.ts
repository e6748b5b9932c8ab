// snapshot.ts killed at several points, and run again.
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
import { failed, succeeds } from '../helpers/results.ts'

t.setTimeout(900_000)
const host = new FakeHost(t)
await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
host.save()

/** The first change of each kind, and the last snapshot that is made or taken. */
const points = (calls: string[]) => {
  const verb = (call: string) => call.split(' ')[3]
  return calls.filter(
    (call, index) =>
      calls.findIndex((one) => verb(one) === verb(call)) === index ||
      (/ snapshot-(create|revert)/.test(call) &&
        calls.findLastIndex((one) => verb(one) === verb(call)) === index),
  )
}

await t.test('save is killed: the next run completes it, or says what is whole', async (t) => {
  host.restore()
  const { changes: calls } = await succeeds(t, host, 'snapshot', 'save', 'base')
  const whole = host.everything()
  for (const after of points(calls)) {
    host.restore()
    host.put('kill-after', `1\n${after}`)
    t.equal((await host.run('snapshot', ['save', 'base'])).code, null, `killed after ${after}`)
    const again = await host.run('snapshot', ['save', 'base'])
    if (again.code !== 0) failed(t, again, 'a snapshot called base exists already')
    t.match((await succeeds(t, host, 'snapshot', 'list')).stdout, /worker02 +complete/)
    await succeeds(t, host, 'start')
    t.strictSame(host.everything(), whole, 'all is as if it had not been killed')
  }
})

await t.test('revert is killed: the next run finishes', async (t) => {
  host.restore()
  await succeeds(t, host, 'snapshot', 'save', 'base')
  host.onNode('worker01', 'etc/mine', 'new\n')
  host.save()
  const { changes: calls } = await succeeds(t, host, 'snapshot', 'revert', 'base', '--yes')
  const whole = host.everything()
  for (const after of points(calls)) {
    host.restore()
    host.put('kill-after', `1\n${after}`)
    const killed = await host.run('snapshot', ['revert', 'base', '--yes'])
    t.equal(killed.code, null, `killed after ${after}`)
    await succeeds(t, host, 'snapshot', 'revert', 'base', '--yes')
    t.strictSame(host.everything(), whole, 'all is as if it had not been killed')
  }
})
