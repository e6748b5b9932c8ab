// One look at libvirt, through the stand-in virsh: what is there, what is not, and what could not be seen.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { fixture } from '../helpers/fixtures.ts'
import { emptyHost } from '../helpers/hosts.ts'
import { makeLab } from '../helpers/labs.ts'

const host = new FakeHost(t)
// A domain may go after it was listed.
host.add(
  'virsh',
  `if [[ -e $STAND_IN/vanish && $* = *dominfo* ]]; then rm -r "$STAND_IN/domains/kubemaster"; fi
exec "${join(import.meta.dirname, '../helpers/virsh.sh')}" "$@"`,
)
Object.assign(process.env, host.env) // before zx looks for bash
const { look, observe } = await import('../../lib/libvirt/observe.ts')
const { readAgain, readInVolumes } = await import('../../lib/libvirt/volumes.ts')

const lab = makeLab()
const uuid = '14ab7fab-a138-836d-8043-8e0592d36cb9'
const off = (daemon: string) =>
  `Failed to connect socket to '/var/run/libvirt/${daemon}-sock': No such file or directory`
const noStorage = [
  `pool-*\tFailed to list pools: ${off('virtstoraged')}`,
  `vol-*\t${off('virtstoraged')}`,
]

/** An empty host, then one domain, our pool and this lab's disk when asked for. */
function reset(more: 'nothing' | 'machine' = 'machine'): void {
  for (const name of [
    'domains',
    'pools',
    'volumes',
    'networks',
    'failures',
    'no-connection',
    'vanish',
    'calls',
  ])
    rmSync(join(host.state, name), { recursive: true, force: true })
  if (more === 'nothing') return
  mkdirSync(join(host.state, 'domains/kubemaster'), { recursive: true })
  mkdirSync(join(host.state, 'pools/rke2-kvm-lab'), { recursive: true })
  const config = fixture('domain-persistent.libvirt-9.0.0.xml')
  host.put('domains/kubemaster/config.xml', config)
  host.put('domains/kubemaster/state', 'shut off')
  host.put('pools/rke2-kvm-lab/xml', fixture('pool.libvirt-9.0.0.xml'))
  host.put('pools/rke2-kvm-lab/active', '')
  host.addVolume('lab-kubemaster.qcow2')
}
const fail = (...lines: string[]) => host.put('failures', lines.map((line) => `${line}\n`).join(''))
const virshCalls = () => host.callsSoFar().filter((call) => call.startsWith('virsh'))

await t.test('an empty host is looked at in one process', async (t) => {
  reset('nothing')
  t.strictSame(await observe(lab), {
    domains: [],
    networks: [],
    volumeNames: [],
    volumes: [],
    formerNetworks: [],
    unseen: [],
  })
  t.equal(virshCalls().length, 1)
  t.strictSame((await readAgain(lab, emptyHost)).volumes, [], 'no pool, no volume')
})

await t.test('a machine and its volumes in two', async (t) => {
  reset()
  const found = await observe(lab)
  t.match(found, {
    domains: [{ name: 'kubemaster', uuid, state: 'shut off', persistent: true }],
    pool: { uuid: lab.pool.uuid, active: true },
    volumeNames: ['lab-kubemaster.qcow2'],
    volumes: [{ name: 'lab-kubemaster.qcow2' }],
    unseen: [],
  })
  t.equal(virshCalls().length, 2)
  host.addVolume('another.qcow2')
  t.equal((await look(lab, ['another.qcow2'])).volumes.length, 2)

  const calls = virshCalls().length
  const again = await readAgain(lab, found, ['another.qcow2', 'none.qcow2'])
  t.equal(virshCalls().length - calls, 1, 'the pool alone again in one')
  t.strictSame(
    again.volumes.map(({ name }) => name),
    ['lab-kubemaster.qcow2', 'another.qcow2'],
  )
  t.strictSame(again.domains, found.domains)
})

await t.test('a pool that is off shows no volumes', async (t) => {
  reset()
  rmSync(join(host.state, 'pools/rke2-kvm-lab/active'))
  t.match(await observe(lab), { pool: { active: false }, volumeNames: [], volumes: [], unseen: [] })
})

await t.test('a storage daemon that is off is an error, not an empty host', async (t) => {
  reset()
  fail(...noStorage)
  await t.rejects(observe(lab), {
    message: /^the storage daemon of libvirt is off: /,
    hint: [
      'sudo systemctl enable --now virtstoraged.socket',
      /^# if there is no such unit/,
      { line: ['# then: ', { script: 'doctor' }] },
    ],
  })
  const seen = await look(lab)
  t.match(seen, { domains: [{ name: 'kubemaster' }], volumes: [] })
  t.strictSame(
    seen.unseen?.map(({ what }) => what),
    ['storage'],
  )
})

await t.test('a network daemon that is off matters where networks do', async (t) => {
  reset()
  fail(`net-*\t${off('virtnetworkd')}`)
  const nat = makeLab((raw) => {
    raw.network = { nat: 'lab', cidr: '192.0.2.0/24', gateway: '192.0.2.1' }
  })
  await t.rejects(observe(nat), { message: /^the network daemon of libvirt is off: / })
  t.match(await observe(lab), { domains: [{}], unseen: [{ what: 'networks' }] }, 'bridged')
})

await t.test('each read that fails is an error with what libvirt said', async (t) => {
  const reads = [
    'list --all --uuid',
    'pool-list --all --name',
    'pool-list --name',
    'dumpxml [0-9]*',
    'dumpxml --inactive *',
    'dominfo *',
    'pool-refresh *',
    'pool-dumpxml *',
    'vol-list *',
    'vol-dumpxml *',
  ]
  for (const read of reads) {
    reset()
    fail(`${read}\tno such luck`)
    await t.rejects(observe(lab), { message: 'no such luck' }, read)
    host.put('failures', '')
  }
  reset()
  fail('vol-download *\tno such luck')
  await t.rejects(readInVolumes(lab, ['lab-kubemaster.qcow2'], { offset: 0, length: 4 }), {
    message: 'no such luck',
  })
  fail('pool-refresh *\tinternal error: pool has asynchronous jobs running.')
  t.match(await observe(lab), { unseen: [] }, 'something else is written to the pool')
})

await t.test('a domain is gone only when it is no longer listed', async (t) => {
  reset()
  const lost = `failed to get domain '${uuid}'`
  fail(`dominfo *\t${lost}`, `dumpxml *\t${lost}`)
  await t.rejects(observe(lab), {
    message: `the domain ${uuid} is listed, but cannot be read`,
  })
  host.put('failures', '')
  host.put('vanish', '')
  t.match(await observe(lab), { domains: [], volumes: [{}], unseen: [] })
})

await t.test('a connection that breaks off in the middle is an error', async (t) => {
  reset()
  // Recorded: libvirtd 9.0.0 killed, virsh keeps running and ends with 0.
  fail(
    `pool-dumpxml *\tDisconnected from qemu:///system due to end of file`,
    'vol-*\tFailed to reconnect to the hypervisor',
  )
  await t.rejects(observe(lab), { message: /^the connection to libvirt was lost: / })
  host.put('failures', '')
  host.put('no-connection', fixture('connect-missing.libvirt-9.0.0.txt'))
  await t.rejects(observe(lab), { message: /^libvirt is not running or not installed/ })
})

t.strictSame(host.unknown(), [], 'the stand-in knew every command')
