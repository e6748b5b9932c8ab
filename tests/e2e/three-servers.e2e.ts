// A lab of three servers on real libvirt, real QEMU guests and real SSH: made and removed by printed scripts, off and on
// together, an upgrade that fails in the middle and is taken back, and the first server leaves. They share an address. The first
// one is on a second host behind SSH, which loses its power: then another one has the address. RKE2 and kube-vip are played by
// the stand-in in tests/stand-in.
import t from 'tap'
import { offAndOn } from './day-two/off-and-on.ts'
import { removeFirstServer } from './day-two/remove.ts'
import { upgradeTakenBack } from './day-two/upgrade.ts'
import { startLab, version } from './rig.ts'
import { secondUri, startSecondHost } from './second-host.ts'
import { destroyWithout, hostLost } from './three-servers/hosts.ts'
import { madeByPrinted, runPrinted } from './three-servers/printed.ts'
import { addressIsUsed, withVip } from './three-servers/vip.ts'

const started = await startLab(
  t,
  { server01: 'server', server02: 'server', server03: 'server' },
  41,
  {
    defaults: { vcpus: 1, memory: '1GiB', disk: '12GiB' },
    hosts: { second: { libvirt: secondUri } },
  },
)
const { host, run, work, lab } = started
const other = await startSecondHost(t, host)
const before = [await host.inventory(), await other.inventory()]
const hostOf = (name: string) => (name === 'server01' ? other : host)
const section = { ...started, other, hostOf }
lab.nodes[0]!.host = 'second'
lab.rke2 = withVip(lab)
work.writeLab(lab)

await t.test('three servers by printed scripts', (t) => madeByPrinted(t, section))
await t.test('each is on its host', async (t) => {
  t.strictSame((await host.inventory()).domains, ['server02', 'server03'])
  t.strictSame((await other.inventory()).domains, ['server01'])
})
await t.test('the servers share an address', (t) => addressIsUsed(t, section))
await t.test('the second host loses its power, and comes back', (t) => hostLost(t, section))
await t.test('off and on: etcd finds its quorum', (t) => offAndOn(t, section))

const to = 'v1.37.0+rke2r1'
await t.test('upgrade', (t) => upgradeTakenBack(t, { ...section, from: version, to }))
await t.test('the first server leaves', (t) => removeFirstServer(t, section))

await t.test('destroy leaves nothing', async (t) => {
  await destroyWithout(t, section)
  await runPrinted(t, section, 'destroy')
  t.match((await run.succeeds(t, 'destroy')).stderr, 'nothing to remove')
  await run.succeeds(t, 'destroy', '--yes', '--images')
  t.strictSame([await host.inventory(), await other.inventory()], before)
})
