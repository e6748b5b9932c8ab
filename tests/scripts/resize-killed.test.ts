// resize.ts killed after each of its calls.
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { prepare } from '../helpers/prepare.ts'

await t.test('killed at any time, the next run finishes', (t) =>
  killAfterEachCall(t, 'resize', async (t) => {
    const host = new FakeHost(t)
    await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
    host.writeLab(({ nodes: [, one, other] }) => {
      Object.assign(one!, { vcpus: 4, memory: '8GiB', disk: '50GiB' })
      Object.assign(other!, { disk: '50GiB' })
    })
    return host
  }),
)
