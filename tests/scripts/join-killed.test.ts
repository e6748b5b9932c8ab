// join.ts killed after every step, for a recreated worker: the next run finishes, with the same result as one run.
import t from 'tap'
import { FakeHost, version } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { prepare } from '../helpers/prepare.ts'

await t.test('join', (t) =>
  killAfterEachCall(
    t,
    'join',
    async (t) => {
      const host = new FakeHost(t, (lab) => lab.nodes.pop(), { machines: true })
      await prepare(t, host, 'install-rke2', 'join')
      host.boot('worker01', { fresh: true })
      host.put('cluster/nodes/worker01', `Unknown agent ${version}\n`)
      return host
    },
    // The files of the release come to it as to a server: install-rke2-killed.test.ts.
    { only: /install\.sh$|rm -r |sudo |sync/, cuts: [], least: 8 },
  ),
)
