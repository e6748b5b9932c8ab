// resize.ts as a real process on a stand-in host.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, statusOf, succeeds } from '../helpers/results.ts'

const changes = (calls: string[]) => calls.map((call) => call.replace(/^virsh -c \S+ /, ''))
const gib = 2 ** 30

/** What a machine has: vcpus, memory and disk, and how much of the disk its file system fills. */
function sizesOf(host: FakeHost, name: string) {
  const xml = host.read(`domains/${name}/config.xml`)
  const volume = `volumes/lab-${name}.qcow2`
  const [disk] = /(?<=<capacity unit='bytes'>)\d+/.exec(host.read(`${volume}/xml`)) ?? []
  const grown = existsSync(join(host.state, volume, 'filesystem'))
  return {
    vcpus: /<vcpu .*/.exec(xml)?.[0].replace(/<\/?vcpu ?|placement='static'>?/g, ''),
    memory: [...xml.matchAll(/emory unit='KiB'>(\d+)/g)].map(([, kib]) => Number(kib) / 2 ** 20),
    disk: Number(disk) / gib,
    filesystem: grown ? Number(host.read(`${volume}/filesystem`)) / gib : undefined,
  }
}
const grown = { vcpus: '4>', memory: [8, 8], disk: 50, filesystem: 50 }

async function cluster(t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) {
  const host = new FakeHost(t, change)
  for (const script of ['create', 'eject', 'install-rke2', 'join']) await succeeds(t, host, script)
  host.save()
  return host
}
const larger = (index: number) => (lab: RawLab) =>
  Object.assign(lab.nodes[index]!, { vcpus: 4, memory: '8GiB', disk: '50GiB' })
const made = await cluster(t)

await t.test(
  'an agent gets all of it: drained, off, changed, on, grown, Ready, uncordoned',
  async (t) => {
    const host = made
    host.restore()
    host.writeLab(larger(1))
    const before = host.events().length
    const { changes: done, stderr } = await succeeds(t, host, 'resize')
    t.strictSame(changes(done), [
      'shutdown worker01',
      'setvcpus worker01 4 --config --maximum',
      'setvcpus worker01 4 --config',
      'setmaxmem worker01 8192MiB --config',
      'setmem worker01 8192MiB --config',
      `vol-resize --pool rke2-kvm-lab lab-worker01.qcow2 ${50 * gib}B`,
      'start worker01',
    ])
    t.strictSame(host.events().slice(before), [
      'drain worker01',
      'ready worker01',
      'uncordon worker01',
    ])
    t.match(sizesOf(host, 'worker01'), grown)
    t.match(stderr, 'Next: npx zx scripts/status.ts')
    await idle(t, host, 'resize', 'nothing to do: every machine is as in the lab file, and on')
  },
)
