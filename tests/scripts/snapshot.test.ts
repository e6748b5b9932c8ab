// snapshot.ts as a real process on a stand-in host.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'

t.setTimeout(900_000)
const names = ['kubemaster', 'worker01', 'worker02']
const changes = (calls: string[]) =>
  calls.map((call) => call.replace(/^virsh -c \S+ /, '')).filter((call) => !call.startsWith('ssh'))
const snapshotsIn = (host: FakeHost, name: string) => {
  const folder = join(host.state, `domains/${name}/snapshots`)
  return existsSync(folder) ? readdirSync(folder).sort() : []
}
const all = (host: FakeHost) =>
  Object.fromEntries(names.map((name) => [name, snapshotsIn(host, name)]))
const onEach = (...some: string[]) => Object.fromEntries(names.map((name) => [name, some]))
const states = (host: FakeHost) => names.map((name) => host.read(`domains/${name}/state`).trim())
const allOff = ['shut off', 'shut off', 'shut off']
const allOn = ['running', 'running', 'running']

async function cluster(t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) {
  const host = new FakeHost(t, change)
  await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
  host.save()
  return host
}
const made = await cluster(t)

await t.test('save, break, revert: every node is Ready again', async (t) => {
  const host = made
  host.restore()
  const whole = host.everything()
  const saved = await succeeds(t, host, 'snapshot', 'save', 'base')
  t.strictSame(all(host), onEach('base'))
  t.strictSame(states(host), allOn)
  const order = changes(saved.changes)
  t.ok(
    order.lastIndexOf('shutdown kubemaster') <
      order.findIndex((one) => one.startsWith('snapshot-create')),
  )
  t.ok(
    order.findLastIndex((one) => one.startsWith('snapshot-create')) <
      order.findIndex((one) => one.startsWith('start ')),
  )
  t.match(saved.stderr, 'Next: npx zx scripts/status.ts')
  t.strictSame(host.everything(), whole, 'nothing else has changed')

  host.onNode('worker01', 'etc/rancher/rke2/config.yaml', 'broken\n')
  host.onNode('kubemaster', 'var/lib/rancher/rke2/server/token', 'lost\n')
  host.forget('cluster/nodes/worker02')
  const back = await succeeds(t, host, 'snapshot', 'revert', 'base', '--yes')
  t.strictSame(host.everything(), whole, 'all is as it was')
  t.strictSame(states(host), allOn)
  t.match(back.stderr, /Cut the power[^]*Back to base[^]*Wait for the agents/)
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
})

await t.test('list, as a table and as JSON; remove', async (t) => {
  const host = made
  host.restore()
  t.equal((await succeeds(t, host, 'snapshot', 'list')).stdout, 'no snapshot\n')
  await succeeds(t, host, 'snapshot', 'save', 'base', '--off')
  const { stdout, changes: none } = await succeeds(t, host, 'snapshot', 'list')
  t.match(
    stdout,
    /^NAME +SAVED +MACHINES +STATE\nbase +20[-0-9: ]+ kubemaster, worker01, worker02 +complete\ndisks: .* snapshots included\n$/,
  )
  t.strictSame(none, [])
  const json = JSON.parse((await succeeds(t, host, 'snapshot', 'list', '--json')).stdout)
  t.match(json, { lab: 'lab', snapshots: [{ name: 'base', machines: names, remark: null }] })
  t.type(json.disks, 'number')

  failed(t, await host.run('snapshot', ['remove', 'base']), 'there is no terminal to ask on')
  await succeeds(t, host, 'snapshot', 'remove', 'base', '--yes')
  t.strictSame(all(host), onEach())
  const again = await succeeds(t, host, 'snapshot', 'remove', 'base')
  t.match(again.stderr, 'nothing to do: there is no snapshot called base')
})

await t.test(
  'what was off stays off; saved again without a change there is nothing to do',
  async (t) => {
    const host = made
    host.restore()
    await succeeds(t, host, 'snapshot', 'save', 'base', '--off')
    t.strictSame(states(host), allOff)
    const again = await succeeds(t, host, 'snapshot', 'save', 'base')
    t.strictSame(shown(again), [])
    t.match(again.stderr, 'nothing to do: base is what is on the disks')
    const { stderr } = await succeeds(t, host, 'snapshot', 'save', 'two')
    t.strictSame([all(host), states(host)], [onEach('base', 'two'), allOff])
    t.match(stderr, 'Next: npx zx scripts/start.ts')
    await succeeds(t, host, 'start', 'kubemaster')
    const changed = await host.run('snapshot', ['save', 'two'])
    failed(t, changed, 'a snapshot called two exists already', 'snapshot.ts remove two')
    t.strictSame(states(host), ['running', 'shut off', 'shut off'], 'nothing was stopped')
  },
)

await t.test('one machine cannot be saved: it is on none, and the lab is on again', async (t) => {
  const host = made
  host.restore()
  const full =
    "internal error: qemu-img: Could not create snapshot 'base': -28 (No space left on device)"
  host.put('failures', `snapshot-create-as worker02*\t${full}\n`)
  const result = await host.run('snapshot', ['save', 'base'])
  failed(
    t,
    result,
    /worker02: not saved: .*No space left/,
    'it was removed from the other machines',
    'try: df -h',
  )
  t.notMatch(result.stderr, 'try: virsh')
  t.strictSame(all(host), onEach())
  t.strictSame(states(host), allOn)
  await succeeds(t, host, 'start')
  const script = await printed(t, host, 'snapshot', 'save', 'base')
  host.put('at-once', '')
  runByBash(t, host, script, 1)
  t.strictSame([all(host), states(host)], [onEach(), allOn], 'the printed script does the same')
})

await t.test(
  'a guest does not shut down: nothing is saved, and the others are on again',
  async (t) => {
    const host = made
    host.restore()
    host.put('deaf', 'kubemaster\n')
    const result = await host.run('snapshot', ['save', 'base', '--timeout', '2'])
    failed(t, result, 'there is no terminal to ask on', 'kubemaster: still on after 2 s')
    t.strictSame([all(host), states(host)], [onEach(), allOn])
  },
)

await t.test('what cannot be saved or put back is refused with the reason', async (t) => {
  const host = made
  host.restore()
  const refused = async (words: string[], ...texts: (string | RegExp)[]) => {
    const result = await host.run('snapshot', words)
    failed(t, result, ...texts)
    t.strictSame(result.changes, [], 'nothing was changed')
  }
  const wrong = await host.run('snapshot', ['save', '../x'])
  t.strictSame([wrong.code, wrong.changes], [2, []])
  await refused(['revert', 'base'], 'there is no snapshot called base')

  host.put('domains/worker01/saved', 'yes\n')
  await refused(['save', 'x'], 'worker01: its memory is saved on the host', 'start.ts worker01')
  host.forget('domains/worker01/saved')
  host.put('volumes/lab-worker01.qcow2/data', `${'x'.repeat(60)}\0\0\0\x02`)
  await refused(['save', 'x'], 'worker01: its disk holds 2 snapshots, libvirt knows 0')
  host.put('volumes/lab-worker01.qcow2/data', '')

  await succeeds(t, host, 'snapshot', 'save', 'base', '--off')
  const xml = host.read('domains/worker01/snapshots/base/xml')
  const put = (text: string) => host.put('domains/worker01/snapshots/base/xml', text)
  put(xml.replace(/<description>.*<.description>/, ''))
  await refused(['revert', 'base'], 'snapshot.ts did not make the snapshot base')
  await refused(['remove', 'base', '--yes'], 'snapshot.ts did not make the snapshot base')
  await refused(['save', 'base'], 'snapshot.ts did not make the snapshot base')
  t.match((await succeeds(t, host, 'snapshot', 'list')).stdout, 'not made by snapshot.ts')
  put(xml.replace("name='vda' snapshot='internal'", "name='vda' snapshot='external'"))
  await refused(['save', 'x'], 'worker01: it has an external snapshot (base)')
  put(xml)

  host.writeLab((lab) => lab.nodes.splice(2))
  await refused(['revert', 'base'], 'cannot go back to base: removed since then: worker02')
  host.writeLab()
  host.forget('domains/worker02/snapshots/base')
  await refused(['revert', 'base'], 'cannot go back to base: not on worker02')
  t.match(
    (await succeeds(t, host, 'snapshot', 'list')).stdout,
    /base .* not on worker02: recreated/,
  )
  const { stderr } = await succeeds(t, host, 'snapshot', 'save', 'base', '--off')
  t.match(stderr, 'snapshot-create-as worker02 base')
  t.notMatch(stderr, 'snapshot-create-as worker01', 'an interrupted one is completed')
})

await t.test('a seed that is still in the drive, and a node that was added', async (t) => {
  const host = new FakeHost(t)
  await succeeds(t, host, 'create', 'kubemaster')
  const seeded = await host.run('snapshot', ['save', 'base'])
  failed(t, seeded, 'kubemaster: its seed is still in the drive', 'eject.ts kubemaster')
  await succeeds(t, host, 'eject', 'kubemaster')
  const { stderr } = await succeeds(t, host, 'snapshot', 'save', 'base')
  t.match(stderr, 'Next: npx zx scripts/install-rke2.ts')
  await succeeds(t, host, 'create')
  const added = await host.run('snapshot', ['revert', 'base', '--yes'])
  failed(t, added, 'added since then: worker01, worker02', 'destroy.ts worker01 worker02')
  failed(t, await host.run('snapshot', ['save', 'two']), 'worker01: its seed is still in')
  host.put(
    'domains/worker02/config.xml',
    host.read('domains/worker02/config.xml').replace(/<metadata>[^]*<.metadata>/, ''),
  )
  failed(
    t,
    await host.run('snapshot', ['save', 'two']),
    'worker02: a domain of that name exists already',
  )
})

await t.test('other scripts say what they do to a snapshot', async (t) => {
  const host = made
  host.restore()
  await succeeds(t, host, 'snapshot', 'save', 'base')
  const lost = /^ +snapshot base is then incomplete: the lab cannot go back to it$/m
  const asked = async (...nodes: string[]) => (await host.run('destroy', nodes)).stderr
  t.match(await asked('worker02'), lost)
  t.match(await asked(), /^ +snapshot base$/m)

  host.writeLab((lab) => Object.assign(lab.nodes[1]!, { disk: '50GiB' }))
  const { stderr } = await succeeds(t, host, 'resize', '--dry-run')
  t.match(stderr, '! snapshot base has the old sizes of worker01: after a revert to it, run resize')
  host.writeLab()

  t.match((await succeeds(t, host, 'remove', 'worker02', '--yes')).stderr, lost)
  const list = async () => (await succeeds(t, host, 'snapshot', 'list')).stdout
  t.match(await list(), /^base .* incomplete, removed since then: worker02$/m)
  const again = await succeeds(t, host, 'create')
  t.match(again.stderr, '! snapshots without worker02: base; the lab can only go back to')
  t.match(await list(), /^base .* incomplete, not on worker02: recreated since then/m)
  t.notMatch(await asked('worker02'), 'snapshot base', 'it is so already')
})

await t.test('revert asks, and can save the present state first', async (t) => {
  const host = made
  host.restore()
  await succeeds(t, host, 'snapshot', 'save', 'base')
  host.onNode('worker01', 'etc/mine', 'new\n')
  failed(t, await host.run('snapshot', ['revert', 'base']), 'there is no terminal to ask on')
  t.strictSame(states(host), allOn)
  const { stderr } = await succeeds(t, host, 'snapshot', 'revert', 'base', '--save')
  t.match(stderr, /Shut down[^]*Save before-base[^]*Back to base/)
  t.equal(host.onNode('worker01', 'etc/mine'), '')
  host.put('domains/kubemaster/saved', 'yes\n')
  await succeeds(t, host, 'snapshot', 'revert', 'before-base', '--yes', '--off')
  t.equal(host.onNode('worker01', 'etc/mine'), 'new\n')
  t.strictSame(states(host), allOff)
  t.strictSame(all(host), onEach('base', 'before-base'))
  const more = await succeeds(t, host, 'snapshot', 'revert', 'base', '--save', '--off')
  t.match(more.stderr, 'Save before-base-2', 'a name that is not taken')
})

await t.test('--dry-run, run by bash, does the same', async (t) => {
  const host = made
  host.restore()
  host.put('at-once', '')
  const whole = host.everything()
  runByBash(t, host, await printed(t, host, 'snapshot', 'save', 'base'))
  t.strictSame([all(host), states(host)], [onEach('base'), allOn])
  host.onNode('worker01', 'etc/mine', 'new\n')
  host.onNode('worker02', 'run/rke2-agent', 'inactive\n')
  runByBash(t, host, await printed(t, host, 'snapshot', 'revert', 'base', '--yes'))
  t.strictSame(host.everything(), whole)
  t.strictSame(states(host), allOn)
  host.onNode('worker01', 'etc/mine', 'new\n')
  runByBash(t, host, await printed(t, host, 'snapshot', 'revert', 'base'))
  t.strictSame(all(host), onEach('base', 'before-base'), 'it takes the safe answer')
  runByBash(t, host, await printed(t, host, 'snapshot', 'remove', 'base'))
  t.strictSame(all(host), onEach('before-base'))
  t.match(await printed(t, host, 'snapshot', 'remove', 'base'), '# nothing to do')
})
