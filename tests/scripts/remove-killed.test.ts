// remove.ts killed after each of its calls.
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { succeeds } from '../helpers/results.ts'

await t.test('killed at any time, the next run finishes', (t) =>
  killAfterEachCall(
    t,
    'remove',
    async (t) => {
      const host = new FakeHost(t, (lab) => {
        for (const node of lab.nodes) node.role = 'server'
      })
      for (const script of ['create', 'eject', 'install-rke2', 'join'])
        await succeeds(t, host, script)
      return host
    },
    { words: ['kubemaster', '--yes'] },
  ),
)
