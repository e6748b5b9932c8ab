// install-rke2.ts killed after every step: the next run finishes, with the same result as one run.
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost, version } from '../helpers/fake-host.ts'
import { shown, succeeds } from '../helpers/results.ts'
import { killAfterEachCall } from '../helpers/kill.ts'

const twoNodes = (t: Test) => new FakeHost(t, (lab) => lab.nodes.pop(), { machines: true })

await t.test('install-rke2', (t) => killAfterEachCall(t, 'install-rke2', twoNodes))

await t.test('a changed configuration that the service has not read yet', async (t) => {
  const host = twoNodes(t)
  await succeeds(t, host, 'install-rke2')
  host.writeLab((lab) => {
    lab.nodes.pop()
    lab.rke2 = { version, config: { debug: true } }
  })
  const started = join(host.state, 'nodes/kubemaster/run/started')
  utimesSync(started, 1, 1)
  host.save()
  const { calls, stderr } = await succeeds(t, host, 'install-rke2')
  t.match(stderr, 'sudo systemctl restart --no-block rke2-server')
  const whole = host.everything()
  host.restore()
  host.put('kill-after', `1\n${calls.find((call) => call.includes('install -D'))}`)
  t.equal((await host.run('install-rke2')).code, null, 'it was killed')
  t.match(host.onNode('kubemaster', 'etc/rancher/rke2/config.yaml'), 'debug: true')
  const { stderr: again } = await succeeds(t, host, 'install-rke2')
  t.match(again, 'sudo systemctl restart --no-block rke2-server')
  t.strictSame(host.everything(), whole)
  t.strictSame(shown(await succeeds(t, host, 'install-rke2')), [])
})
