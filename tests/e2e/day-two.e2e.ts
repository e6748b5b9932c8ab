// Day two on real libvirt, real QEMU guests and real SSH: one lab for all sections, each of which leaves it with every node
// Ready. RKE2 is played by the stand-in in tests/stand-in.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { backupAndRestore } from './day-two/backup.ts'
import { breakAndRepair } from './day-two/drills.ts'
import { further, onFurtherDisk, seeFurther } from './day-two/extras.ts'
import { manifestsGoOn } from './day-two/manifests.ts'
import { removeAgent } from './day-two/remove.ts'
import { resizeNode } from './day-two/resize.ts'
import { login, smallOnes } from './day-two/small.ts'
import { saveBreakRevert } from './day-two/snapshot.ts'
import { upgradeGoesOn } from './day-two/upgrade.ts'
import { startLab, version } from './rig.ts'

const { before, ...section } = await startLab(t, { kubemaster: 'server', worker01: 'agent' }, 30)
const { host, work, run, lab, nodes } = section
const node = 'worker01'
Object.assign(lab.nodes[1] ?? {}, further({ data: '1GiB', spare: '128MiB' }))
work.writeLab(lab)

await t.test('a lab whose nodes are Ready, and know where images come from', async (t) => {
  const registries = `configs: { cache.lan: { auth: { username: me, password: ${login} } } }\n`
  writeFileSync(join(work.dir, 'rke2/registries.yaml'), registries, { mode: 0o600 })
  for (const script of ['create', 'eject', 'install-rke2', 'join']) await run.succeeds(t, script)
  const file = '/etc/rancher/rke2/registries.yaml'
  for (const one of nodes)
    t.equal(
      await work.ssh(one, `sudo stat -c %U:%a ${file}; sudo cat ${file}`),
      `root:600\n${registries}`,
    )
  t.notMatch(run.output.join(''), login)
  await seeFurther(t, { work, node }, { data: 1024, spare: 128 })
})

await t.test('exec, env and logs', (t) => smallOnes(t, section))
await t.test('manifests that RKE2 applies', (t) => manifestsGoOn(t, section))
await t.test('off, saved, on, broken, reverted', (t) =>
  saveBreakRevert(t, { ...section, files: ['/etc/of-the-lesson', onFurtherDisk] }),
)
await t.test('drills', (t) => breakAndRepair(t, section))
await t.test('other sizes', (t) => resizeNode(t, { ...section, node }))
await t.test('backup and restore', (t) => backupAndRestore(t, section))

const to = 'v1.37.0+rke2r1'
await t.test('upgrade', (t) => upgradeGoesOn(t, { ...section, from: version, to }))
const upgraded = { ...lab, rke2: { ...lab.rke2, version: to } }
await t.test('an agent leaves', (t) => removeAgent(t, { ...section, lab: upgraded, node }))

await t.test('destroy leaves nothing but the backups', async (t) => {
  await run.succeeds(t, 'destroy', '--yes', '--images')
  t.strictSame(await host.inventory(), before)
})
