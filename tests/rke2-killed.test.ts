// install-rke2.ts and join.ts killed at every step: the next run finishes, and nothing tells that there were two.
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeNodes, shown, succeeds, version } from './helpers/fake-nodes.ts'

// Of the calls, those that only look: killed after them is killed before the next.
const looks =
  /part version|--head|date \+|get nodes -o json|--since|sha256sum\\ --check|rke2 --version/

const host = new FakeNodes(t, (lab) => lab.nodes.pop())
const finish = async (t: Test, script: string, whole: Record<string, string>) => {
  await succeeds(t, host, script)
  t.strictSame(host.everything(), whole, 'all is as if it had not been killed')
}

async function killedAfterEachCall(t: Test, script: string): Promise<void> {
  host.save()
  const { calls } = await succeeds(t, host, script)
  const whole = host.everything()
  t.strictSame(shown(await succeeds(t, host, script)), [])
  for (const [index, call] of calls.entries()) {
    if (looks.test(call)) continue
    const nth = calls.slice(0, index + 1).filter((other) => other === call).length
    await t.test(`after ${call.replaceAll(host.folder, '')}`, async (t) => {
      host.restore()
      host.put('kill-after', `${nth}\n${call}`)
      t.equal((await host.run(script)).code, null, 'it was killed')
      await finish(t, script, whole)
    })
  }
  for (const half of ['scp', 'tar'])
    await t.test(`in the midst of ${half}`, async (t) => {
      host.restore()
      host.put('cut', half)
      t.equal((await host.run(script)).code, null, 'it was killed')
      await finish(t, script, whole)
    })
}

await t.test('install-rke2', (t) => killedAfterEachCall(t, 'install-rke2'))

await t.test('a changed configuration that the service has not read yet', async (t) => {
  host.writeLab((lab) => {
    lab.nodes.pop()
    lab.rke2 = { version, mirror: 'http://mirror.test/rke2', config: { debug: true } }
  })
  const started = join(host.state, 'nodes/kubemaster/run/started')
  utimesSync(started, 1, 1)
  host.save()
  const { calls, stderr } = await succeeds(t, host, 'install-rke2')
  t.match(stderr, 'sudo systemctl restart --no-block rke2-server')
  const whole = host.everything()
  host.restore()
  host.put('kill-after', `1\n${calls.find((call) => call.includes('install\\ -D'))}`)
  t.equal((await host.run('install-rke2')).code, null, 'it was killed')
  t.match(host.onNode('kubemaster', 'etc/rancher/rke2/config.yaml'), 'debug: true')
  const { stderr: again } = await succeeds(t, host, 'install-rke2')
  t.match(again, 'sudo systemctl restart --no-block rke2-server')
  t.strictSame(host.everything(), whole)
  t.strictSame(shown(await succeeds(t, host, 'install-rke2')), [])
})

await t.test('join of a worker that was made anew', async (t) => {
  host.boot('worker01')
  await succeeds(t, host, 'join')
  host.boot('worker01', { anew: true })
  host.put('cluster/nodes/worker01', `Unknown agent ${version}\n`)
  await killedAfterEachCall(t, 'join')
})
