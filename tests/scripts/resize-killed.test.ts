// resize.ts killed after each of its calls.
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { succeeds } from '../helpers/results.ts'

await t.test('killed at any time, the next run finishes', (t) =>
  killAfterEachCall(t, 'resize', async (t) => {
    const host = new FakeHost(t)
    for (const script of ['create', 'eject', 'install-rke2', 'join'])
      await succeeds(t, host, script)
    host.writeLab(({ nodes: [, one, other] }) => {
      Object.assign(one!, { vcpus: 4, memory: '8GiB', disk: '50GiB' })
      Object.assign(other!, { disk: '50GiB' })
    })
    return host
  }),
)
