// A lab of three servers on real libvirt, real QEMU guests and real SSH: off and on together, an upgrade that fails in the
// middle and is taken back, and the first server leaves. RKE2 is played by the stand-in in tests/stand-in.
import t from 'tap'
import { offAndOn } from './day-two/off-and-on.ts'
import { removeFirstServer } from './day-two/remove.ts'
import { upgradeTakenBack } from './day-two/upgrade.ts'
import { startRig, version } from './rig.ts'
import { runner } from './runner.ts'
import { workspace } from './workspace.ts'

const rig = await startRig()
t.teardown(() => rig.stop())
const nodes = ['server01', 'server02', 'server03']
const lab = rig.lab({
  defaults: { vcpus: 1, memory: '1GiB', disk: '12GiB' },
  nodes: nodes.map((name, index) => ({ name, role: 'server', address: `192.168.1.${41 + index}` })),
}) as { name: string; nodes: Record<string, unknown>[]; rke2: object }
const { host } = rig
const work = workspace(host, lab)
t.teardown(() => work.remove())
const run = runner(host, work)
const before = await host.inventory()
const section = { host, work, run, nodes }

await t.test('a lab of three servers', async (t) => {
  for (const script of ['create', 'eject', 'install-rke2', 'join']) await run.succeeds(t, script)
})

await t.test('off and on: etcd finds its quorum', (t) => offAndOn(t, section))

const to = 'v1.37.0+rke2r1'
await t.test('upgrade', (t) =>
  upgradeTakenBack(t, { rig, work, run, lab, nodes, from: version, to }),
)
await t.test('the first server leaves', (t) => removeFirstServer(t, { ...section, lab }))

await t.test('destroy leaves nothing', async (t) => {
  await run.succeeds(t, 'destroy', '--yes', '--images')
  t.strictSame(await host.inventory(), before)
})
