// upgrade.ts killed after every step: the next run finishes, with the same result as one run.
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import type { RawLab } from '../helpers/labs.ts'
import { prepare } from '../helpers/prepare.ts'
import { succeeds } from '../helpers/results.ts'

const old = 'v1.35.7+rke2r1'
const nodes = (many: number) => (lab: RawLab) => (lab.nodes.length = many)

async function cluster(t: Test, many: number): Promise<FakeHost> {
  const older = (lab: RawLab) => (nodes(many)(lab), (lab.rke2.version = old))
  const host = new FakeHost(t, older, { machines: true })
  host.makeRelease(old)
  await prepare(t, host, 'install-rke2', 'join')
  host.writeLab(nodes(1))
  return host
}

await t.test('the server', (t) => killAfterEachCall(t, 'upgrade', (t) => cluster(t, 1)))

await t.test('an agent', (t) =>
  killAfterEachCall(
    t,
    'upgrade',
    async (t) => {
      const host = await cluster(t, 2)
      await succeeds(t, host, 'upgrade')
      host.writeLab(nodes(2))
      return host
    },
    // The files of the release come to it as to the server.
    { only: /kubectl|install\.sh$|systemctl|sync/, cuts: [], least: 6 },
  ),
)
