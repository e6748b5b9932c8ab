// remove.ts killed after each of its calls.
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { prepare } from '../helpers/prepare.ts'

await t.test('killed at any time, the next run finishes', (t) =>
  killAfterEachCall(
    t,
    'remove',
    async (t) => {
      const host = new FakeHost(t, (lab) => {
        for (const node of lab.nodes) node.role = 'server'
      })
      await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
      return host
    },
    { words: ['kubemaster', '--yes'] },
  ),
)
