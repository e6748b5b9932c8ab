// Day two on real libvirt, real QEMU guests and real SSH: one lab for all sections, each of which leaves it with every node
// Ready. RKE2 is played by the stand-in in tests/stand-in.
import t from 'tap'
import { backupAndRestore } from './day-two/backup.ts'
import { startRig } from './rig.ts'
import { runner } from './runner.ts'
import { workspace } from './workspace.ts'

const rig = await startRig()
t.teardown(() => rig.stop())
const all = rig.lab() as { name: string; nodes: { name: string }[] }
const lab = { ...all, nodes: all.nodes.slice(0, 2) }
const nodes = lab.nodes.map(({ name }) => name)
const work = workspace(rig.host, lab)
t.teardown(() => work.remove())
const run = runner(rig.host, work)
const before = await rig.host.inventory()

await t.test('a lab whose nodes are Ready', async (t) => {
  for (const script of ['create', 'eject', 'install-rke2', 'join']) await run.succeeds(t, script)
})

await t.test('backup and restore', (t) => backupAndRestore(t, { work, run, nodes }))

await t.test('destroy leaves nothing but the backups', async (t) => {
  await run.succeeds(t, 'destroy', '--yes', '--images')
  t.strictSame(await rig.host.inventory(), before)
})
