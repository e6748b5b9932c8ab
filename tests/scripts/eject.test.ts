// eject.ts as a real process on a stand-in host.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { fixture, top } from '../helpers/fixtures.ts'
import { prepare } from '../helpers/prepare.ts'
import { statusOf, succeeds } from '../helpers/results.ts'

const lab = (host: FakeHost, name: string) => join(host.project, '.lab/lab', name)

await t.test('before create there is nothing to eject, and that is said', async (t) => {
  const { code, stderr } = await new FakeHost(t).run('eject', ['worker01'])
  t.equal(code, 1)
  t.match(stderr, '✗ worker01: there is no such machine')
  t.match(stderr, 'try: npx zx scripts/create.ts worker01')
})

// Each test begins as create leaves the host.
const made = new FakeHost(t)
await prepare(t, made, 'create')
made.save()
function asMade(): FakeHost {
  made.restore()
  return made
}

await t.test('eject refuses while cloud-init is not done, and touches nothing', async (t) => {
  const host = asMade()
  host.put('guests/worker01.error', 'Permission denied (publickey).\n')
  const busy = fixture('cloud-init-done.cloud-init-22.4.2.txt').replace(/== result[^]*/, '')
  host.put('guests/worker02', busy.replace('"stage": null', '"stage": "modules-final"'))
  host.put('failures', 'change-media kubemaster *\tnot now\n')
  const { code, stderr, changes } = await host.run('eject')
  t.equal(code, 1)
  t.match(stderr, '✗ worker01: cloud-init is not done: SSH answers, but the login does not')
  t.match(stderr, '✗ worker02: cloud-init is not done: cloud-init: final stage')
  t.match(stderr, '# or eject anyway: npx zx scripts/eject.ts worker02 --force')
  t.strictSame(changes, [])
})

await t.test('a cloud-init that failed keeps its seed, --force overrides', async (t) => {
  const host = asMade()
  host.put('guests/worker02', fixture('cloud-init-failed.cloud-init-22.4.2.txt'))
  const refused = await host.run('eject', ['worker02'])
  t.equal(refused.code, 1)
  t.match(refused.stderr, 'worker02: cloud-init ended with an error')
  const forced = await host.run('eject', ['worker02', '--force'])
  t.equal(forced.code, 0, forced.stderr)
  t.strictSame(forced.changes, [
    'virsh -c qemu:///system change-media worker02 sda --eject --config',
    'virsh -c qemu:///system change-media worker02 sda --eject --live --force',
    'virsh -c qemu:///system vol-delete --pool rke2-kvm-lab lab-worker02-seed.iso',
  ])
  t.notOk(existsSync(lab(host, 'nodes/worker02/host_key')))
  t.match(forced.stderr, 'worker02: cloud-init was not switched off in it')
  t.notOk(existsSync(join(host.state, 'nodes/worker02/etc/cloud/cloud-init.disabled')))
})

await t.test('eject takes out what is left, deletes seeds and private host keys', async (t) => {
  const host = asMade()
  await succeeds(t, host, 'eject', 'worker02')
  t.ok(existsSync(lab(host, 'nodes/kubemaster/host_key')))
  const first = await host.run('eject')
  t.equal(first.code, 0, first.stderr)
  t.strictSame(first.stdout, '')
  t.strictSame(first.changes.map((call) => call.replace('virsh -c qemu:///system ', '')).sort(), [
    'change-media kubemaster sda --eject --config',
    'change-media kubemaster sda --eject --live',
    'change-media worker01 sda --eject --config',
    'change-media worker01 sda --eject --live',
    'vol-delete --pool rke2-kvm-lab lab-kubemaster-seed.iso',
    'vol-delete --pool rke2-kvm-lab lab-worker01-seed.iso',
  ])
  t.match(first.stderr, 'Next: npx zx scripts/install-rke2.ts')
  for (const node of ['kubemaster', 'worker01']) {
    t.notOk(existsSync(lab(host, `nodes/${node}/host_key`)))
    t.ok(existsSync(lab(host, `nodes/${node}/host_key.pub`)), 'known_hosts is made from it')
    t.equal(host.read(`nodes/${node}/etc/cloud/cloud-init.disabled`), '', 'it stays off')
  }
  t.strictSame(
    host.inventory().volumes?.filter((name) => name.endsWith('.iso')),
    [],
  )
  const second = await host.run('eject')
  t.strictSame([second.code, second.changes], [0, []])
  t.match(second.stderr, 'nothing to do: no machine has its seed any more')
  const { nodes } = await statusOf(t, host, 'kubemaster', 'worker02')
  t.match(nodes, [
    { name: 'kubemaster', seed: 'ejected' },
    { name: 'worker02', seed: 'ejected' },
  ])
  const create = await host.run('create')
  t.strictSame([create.code, create.changes], [0, []], 'create makes no new seed')
})

await t.test('eject leaves a volume that has the name of a seed, but not its tag', async (t) => {
  const host = asMade()
  t.equal((await host.run('eject')).code, 0)
  host.addVolume('lab-worker01-seed.iso')
  const { code, stderr, changes } = await host.run('eject')
  t.equal(code, 1)
  t.match(
    stderr,
    '✗ worker01: a volume called lab-worker01-seed.iso exists that this lab did not make',
  )
  t.strictSame(changes, [])
})

await t.test('a pool that is off is started, and looked into again', async (t) => {
  const host = asMade()
  const off = () => host.forget('pools/rke2-kvm-lab/active')
  off()
  const dry = await host.run('eject', ['--dry-run'])
  t.equal(dry.code, 1)
  t.match(dry.stderr, '✗ the storage pool rke2-kvm-lab is off, so its volumes cannot be seen')
  t.match(dry.stderr, 'try: virsh -c qemu:///system pool-start rke2-kvm-lab')
  t.strictSame([dry.stdout, dry.changes], ['', []])
  const { code, stderr, changes } = await host.run('eject')
  t.equal(code, 0, stderr)
  t.match(
    changes,
    ['pool-autostart', 'pool-start --build'].map((verb) => new RegExp(verb)),
  )
  t.notOk(host.inventory().volumes?.some((name) => name.endsWith('.iso')))
})

await t.test(
  'a drive that the guest holds is tried again; a medium of others stays in',
  async (t) => {
    const host = new FakeHost(t)
    await succeeds(t, host, 'create')
    for (const side of ['live', 'config']) {
      const file = `domains/worker01/${side}.xml`
      host.put(file, host.read(file).replace('lab-worker01-seed.iso', 'rescue.iso'))
    }
    // The first try fails as libvirt says it when the guest does not let go.
    const virsh = join(host.bin, 'virsh')
    const real = join(host.bin, 'real/virsh')
    mkdirSync(join(host.bin, 'real'))
    renameSync(virsh, real)
    host.add(
      'virsh',
      `if [[ $* = *--live* && ! -e $STAND_IN/let-go ]]; then
  touch "$STAND_IN/let-go"
  echo "error: internal error: unable to execute QEMU command 'eject': Tray of device 'scsi0-0-0-0' is not open" >&2
  exit 1
fi
exec "${real}" "$@"`,
    )
    const { nodes } = await statusOf(t, host)
    t.strictSame(
      nodes.map(({ seed }) => seed),
      ['attached', 'other', 'attached'],
    )
    // The printed script has the same patience.
    const printed = await host.run('eject', ['worker02', '--force', '--dry-run'])
    const env = { PATH: host.bin, STAND_IN: host.state, FIXTURES: join(top, 'tests/fixtures') }
    const bash = spawnSync('bash', ['-s'], { input: printed.stdout, env, encoding: 'utf8' })
    t.equal(bash.status, 0, bash.stderr)
    t.match(bash.stderr, "Tray of device 'scsi0-0-0-0' is not open")
    t.match(host.read('domains/worker02/live.xml'), "<source index='4'/>")
    host.forget('let-go')

    const { code, stderr } = await host.run('eject')
    t.equal(code, 0, stderr)
    t.match(host.read('domains/kubemaster/live.xml'), "<source index='4'/>")
    t.match(host.read('domains/worker01/live.xml'), 'rescue.iso')
    t.notOk(host.inventory().volumes?.some((name) => name.endsWith('.iso')))
  },
)
