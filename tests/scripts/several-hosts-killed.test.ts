// destroy.ts killed after each of its calls that change the second of two hosts.
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { prepare } from '../helpers/prepare.ts'

function twoHosts(t: Test): FakeHost {
  const host = new FakeHost(t, (lab) => {
    lab.hosts = { bigbox: { libvirt: 'qemu+unix:///system?socket=/run/bigbox/libvirt-sock' } }
    lab.nodes[2]!.host = 'bigbox'
  })
  host.addHost('bigbox')
  return host
}

await t.test('destroy: the next run finishes', (t) =>
  killAfterEachCall(
    t,
    'destroy',
    async (t) => {
      const host = twoHosts(t)
      await prepare(t, host, 'create')
      return host
    },
    { words: ['--yes', '--images'], cuts: [], only: /bigbox/, least: 5 },
  ),
)
