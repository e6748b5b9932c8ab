// upgrade.ts killed after every step: the next run finishes, with the same result as one run.
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { succeeds } from '../helpers/results.ts'

await t.test('upgrade', (t) =>
  killAfterEachCall(t, 'upgrade', async (t) => {
    const old = 'v1.35.7+rke2r1'
    const host = new FakeHost(t, (lab) => (lab.nodes.pop(), (lab.rke2.version = old)), {
      machines: true,
    })
    host.makeRelease(old)
    for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
    host.writeLab((lab) => lab.nodes.pop())
    return host
  }),
)
