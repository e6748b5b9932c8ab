// backup.ts and restore.ts killed after every step: the next run finishes, with the same result as one run.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { prepare } from '../helpers/prepare.ts'
import { succeeds } from '../helpers/results.ts'
import { findTool } from '../helpers/stand-ins.ts'

async function cluster(t: Test, change: (lab: RawLab) => unknown): Promise<FakeHost> {
  const host = new FakeHost(t, change, { machines: true })
  host.put('at-once', '')
  host.add('date', 'echo 2026-11-26T06:36:00Z')
  host.add('tar', `exec ${findTool('tar')} --mtime=@0 "$@"`) // the same file each time
  await prepare(t, host, 'install-rke2', 'join')
  return host
}
const oneNode = (lab: RawLab) => (lab.nodes = lab.nodes.slice(0, 1))

await t.test('backup', (t) =>
  killAfterEachCall(t, 'backup', (t) => cluster(t, oneNode), {
    least: 3,
    cuts: [],
    repeats: true,
  }),
)

const restores = { words: ['--yes'], cuts: [], repeats: true }

await t.test('restore of two servers and an agent', (t) =>
  killAfterEachCall(
    t,
    'restore',
    async (t) => {
      const host = await cluster(t, (lab) => (lab.nodes[1]!.role = 'server'))
      await succeeds(t, host, 'backup')
      return host
    },
    // What else it does on the first server is what it does in a lab made again.
    { ...restores, only: /worker0[12] |systemctl stop rke2-server|systemd-run|delete secret/ },
  ),
)

await t.test('restore in a lab made again', (t) =>
  killAfterEachCall(
    t,
    'restore',
    async (t) => {
      const host = await cluster(t, oneNode)
      await succeeds(t, host, 'backup')
      rmSync(join(host.state, 'cluster'), { recursive: true })
      mkdirSync(join(host.state, 'cluster'))
      host.boot('kubemaster', { fresh: true })
      host.put('secret', 'another')
      await succeeds(t, host, 'install-rke2')
      return host
    },
    restores,
  ),
)
