// resize.ts as a real process on a stand-in host.
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, statusOf, succeeds } from '../helpers/results.ts'

const changes = (calls: string[]) => calls.map((call) => call.replace(/^virsh -c \S+ /, ''))
const gib = 2 ** 30

/** What a machine has: vcpus, memory and maximum, disk, and how much of the disk its file system fills, once it was grown. */
function sizesOf(host: FakeHost, name: string) {
  const xml = host.read(`domains/${name}/config.xml`)
  const [disk] = /(?<=<capacity unit='bytes'>)\d+/.exec(host.read(`volumes/lab-${name}.qcow2/xml`))!
  return [
    /<vcpu placement='static'(.*)<\/vcpu>/.exec(xml)?.[1],
    ...[...xml.matchAll(/emory unit='KiB'>(\d+)/g)].map(([, kib]) => Number(kib) / 2 ** 20),
    Number(disk) / gib,
    Number(host.onNode(name, 'run/filesystem')) / gib,
  ]
}
const large = ['>4', 8, 8, 50, 50]
const idleText =
  'nothing to do: every machine has the sizes of the lab file, and every node is Ready'

const size =
  (index: number, sizes: object = { vcpus: 4, memory: '8GiB', disk: '50GiB' }) =>
  (lab: RawLab) =>
    Object.assign(lab.nodes[index]!, sizes)

async function cluster(t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) {
  const host = new FakeHost(t, change)
  await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
  host.save()
  return host
}
const made = await cluster(t)
/** The cluster as it was made, with another lab file. */
function again(change?: (lab: RawLab) => unknown): FakeHost {
  made.restore()
  made.writeLab(change)
  return made
}

await t.test('all of it: drained, off, changed, on, grown, Ready, uncordoned', async (t) => {
  const host = again(size(1))
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
  t.strictSame(host.events(), ['drain worker01', 'ready worker01', 'uncordon worker01'])
  t.strictSame(sizesOf(host, 'worker01'), large)
  t.match(stderr, 'Next: npx zx scripts/status.ts')
  await idle(t, host, 'resize', idleText)
})

await t.test('less memory and fewer vcpus; the server drains itself', async (t) => {
  const host = again((lab) =>
    lab.nodes.forEach((_, index) => size(index, { vcpus: 1, memory: '3GiB' })(lab)),
  )
  const { changes: done } = await succeeds(t, host, 'resize', 'kubemaster', 'worker02')
  t.strictSame(
    changes(done).filter((call) => /^(shutdown|start) /.test(call)),
    ['shutdown kubemaster', 'start kubemaster', 'shutdown worker02', 'start worker02'],
    'one node after another',
  )
  t.strictSame(sizesOf(host, 'kubemaster').slice(0, 3), ['>1', 3, 3])
  t.strictSame(sizesOf(host, 'worker01').slice(0, 3), ['>2', 4, 4], 'it was not named')
  t.strictSame(host.events().slice(0, 3), [
    'drain kubemaster',
    'ready kubemaster',
    'uncordon kubemaster',
  ])
})

await t.test('a disk alone grows while the machine is on', async (t) => {
  const host = again(size(1, { disk: '50GiB' }))
  const { changes: done } = await succeeds(t, host, 'resize')
  t.strictSame(changes(done), [`blockresize worker01 vda ${50 * gib}B`])
  t.strictSame(host.events(), [])
  t.strictSame(sizesOf(host, 'worker01').slice(3), [50, 50])
  await idle(t, host, 'resize', idleText)

  host.onNode('worker01', 'run/filesystem', String(40 * gib))
  const { changes: rest } = await succeeds(t, host, 'resize')
  t.strictSame(
    [changes(rest), sizesOf(host, 'worker01').slice(3)],
    [[], [50, 50]],
    'only the file system',
  )
})

await t.test('without a drain, and where a drain fails', async (t) => {
  const host = again(size(1))
  host.put(
    'drain-fails',
    'error when evicting pods/"db-0" -n "default": global timeout reached: 2m0s\n',
  )
  const refused = await host.run('resize')
  failed(
    t,
    refused,
    'worker01: its pods did not all leave',
    'npx zx scripts/resize.ts worker01 --no-drain',
  )
  t.strictSame(refused.changes, [])
  await succeeds(t, host, 'resize', '--no-drain')
  t.strictSame(sizesOf(host, 'worker01'), large)
  t.notOk(host.events().includes('drain worker01'))
})

await t.test(
  'machines that are off are changed and switched on; a cordon that was left ends',
  async (t) => {
    const host = again(size(0))
    await succeeds(t, host, 'stop')
    await succeeds(t, host, 'resize')
    t.strictSame(sizesOf(host, 'kubemaster'), large)
    t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
    host.put('cluster/cordoned', '')
    host.forget('cluster/cordoned')
    host.onNode('worker02', '../../cluster/cordoned/worker02', '')
    host.onNode('worker02', '../../cluster/marked/worker02', '')
    const { stderr } = await succeeds(t, host, 'resize')
    t.match(stderr, /Uncordon\n[^]*uncordon worker02/)
    await idle(t, host, 'resize', idleText)
  },
)

await t.test('a server that does not answer: told how to go on without a drain', async (t) => {
  const host = again(size(1))
  await succeeds(t, host, 'stop', 'kubemaster')
  const refused = await host.run('resize', ['worker01'])
  failed(t, refused, 'no server answers, so its pods cannot be moved', 'npx zx scripts/start.ts')
  t.match(await statusOf(t, host, 'worker01'), { nodes: [{ domain: 'running' }] })
})

await t.test('what cannot be done is said before anything is changed', async (t) => {
  const host = again(size(1, { disk: '30GiB', memory: '8GiB' }))
  const smaller = await host.run('resize')
  failed(
    t,
    smaller,
    'worker01: its disk has 40 GiB, the lab file says 30 GiB; a disk cannot shrink',
  )
  t.match(smaller.stderr, 'put disk: 40GiB back into the lab file')
  host.writeLab(size(1, { memory: '40GiB' }))
  failed(t, await host.run('resize'), 'the machines take 48 GiB, and there are only 40 GiB in all')
  host.writeLab(size(1, { disk: '9000GiB' }))
  failed(t, await host.run('resize'), /the disks would grow by 8\.\d TiB, and \d.* are free in/)
  host.writeLab(size(1, { disk: '50GiB' }))
  host.onNode('worker01', 'run/type', 'zfs\n')
  failed(t, await host.run('resize'), 'worker01: its root file system is of type zfs')
  host.writeLab()
  await idle(t, host, 'resize', idleText)
  const other = new FakeHost(t, undefined, { folder: t.testdir() })
  failed(t, await other.run('resize'), 'there are no such machines')
})

await t.test('create and status point to it', async (t) => {
  const host = again(size(1, { memory: '8GiB' }))
  const text = 'memory is 4 GiB, the lab file says 8 GiB; resize.ts changes it'
  t.match((await succeeds(t, host, 'create')).stderr, `! worker01: ${text}`)
  t.match(await statusOf(t, host, 'worker01'), { nodes: [{ remark: text }] })
})

await t.test('machines without RKE2', async (t) => {
  const host = new FakeHost(t)
  await succeeds(t, host, 'create')
  host.writeLab(size(0))
  await succeeds(t, host, 'resize')
  t.strictSame(sizesOf(host, 'kubemaster'), large)
  await idle(t, host, 'resize', idleText)
})

await t.test('--dry-run, run by bash, does the same', async (t) => {
  const host = again((lab) => (size(0)(lab), size(1, { disk: '50GiB' })(lab)))
  host.put('at-once', '')
  const script = await printed(t, host, 'resize')
  await succeeds(t, host, 'resize')
  const whole = host.everything()
  again((lab) => (size(0)(lab), size(1, { disk: '50GiB' })(lab)))
  host.put('at-once', '')
  runByBash(t, host, script)
  t.strictSame(host.everything(), whole)
  t.strictSame(sizesOf(host, 'kubemaster'), large)
  t.notMatch(await printed(t, host, 'resize'), /blockresize|setmem|drain/, 'then it only waits')
})
