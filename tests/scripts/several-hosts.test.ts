// A lab over two hosts: all scripts as real processes, with two stand-in libvirts, of which one may be off.
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { emptyBase } from '../../lib/libvirt/storage-xml.ts'
import { FakeHost } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, statusOf, succeeds } from '../helpers/results.ts'

const uri = 'qemu+unix:///system?socket=/run/bigbox/libvirt-sock'
function twoHosts(lab: RawLab): void {
  lab.hosts = { bigbox: { libvirt: uri } }
  lab.nodes = ['kubemaster', 'worker01', 'worker02'].map((name, index) => ({
    name,
    role: 'server',
    address: `192.0.2.${30 + index}`,
    ...(index === 2 && { host: 'bigbox' }),
  }))
}

const host = new FakeHost(t, twoHosts)
t.equal(host.addHost('bigbox'), uri)
host.save()
const off = /bigbox: libvirt is not running/

await t.test('create makes each machine on its host, with the image once on each', async (t) => {
  host.restore()
  const { changes, stderr } = await succeeds(t, host, 'create')
  t.equal(stderr.split('host tools').length - 1, 1, 'this host is checked once')
  t.match(stderr, 'bigbox: KVM, network')
  t.strictSame(host.inventory().domains, ['kubemaster', 'worker01'])
  t.strictSame(host.inventory('bigbox').domains, ['worker02'])
  t.match(host.inventory('bigbox').volumes, [
    /^base-/,
    'lab-worker02-seed.iso',
    'lab-worker02.qcow2',
  ])
  t.equal(changes.filter((call) => / vol-upload .* base-/.test(call)).length, 2)
  await idle(t, host, 'create', 'nothing to do: every machine is there and ready')
})

await t.test('further disks are made on the host of their machine', async (t) => {
  host.restore()
  host.writeLab((lab) => {
    twoHosts(lab)
    for (const node of lab.nodes) node.disks = [{ name: 'data', size: '1GiB' }]
  })
  await succeeds(t, host, 'create')
  const empty = emptyBase({ name: 'lab' })
  const volumes = (name?: string) =>
    host.inventory(name).volumes!.filter((one) => one === empty || one.includes('-data'))
  t.strictSame(volumes(), [empty, 'lab-kubemaster-data.qcow2', 'lab-worker01-data.qcow2'])
  t.strictSame(volumes('bigbox'), [empty, 'lab-worker02-data.qcow2'])
  await succeeds(t, host, 'destroy', '--yes', '--images')
  t.strictSame([...volumes(), ...volumes('bigbox')], [])
})

await t.test(
  'a host that is off: create makes the machines of the other, and says which are left',
  async (t) => {
    host.restore()
    host.put(
      'hosts/bigbox/no-connection',
      'error: failed to connect to the hypervisor\nerror: Connection refused\n',
    )
    failed(t, await host.run('create'), 'id_ed25519 is missing, and a host that may have machines')
    t.strictSame(host.inventory().domains, [])
    host.forget('hosts/bigbox/no-connection')
    await succeeds(t, host, 'create', 'kubemaster')
    host.switchOffHost('bigbox')
    const dry = await host.run('create', ['--dry-run'])
    failed(t, dry, off, /left out: worker02/)
    t.match(dry.stdout, /system start worker01 /)
    t.notMatch(dry.stdout, 'worker02/domain.xml')
    failed(t, await host.run('create'), off, /left out: worker02/, 'npx zx scripts/create.ts')
    t.strictSame(host.inventory().domains, ['kubemaster', 'worker01'])
    failed(t, await host.run('create', ['worker02']), off)
    host.forget('hosts/bigbox/no-connection')
    await succeeds(t, host, 'create')
    t.strictSame(host.inventory('bigbox').domains, ['worker02'])
  },
)

await t.test('printed scripts leave the same', async (t) => {
  const all = () => [host.inventory(), host.inventory('bigbox')]
  host.restore()
  await succeeds(t, host, 'create')
  const made = all()
  host.restore()
  runByBash(t, host, await printed(t, host, 'create'))
  t.strictSame(all(), made)
  await idle(t, host, 'create', 'nothing to do: every machine is there and ready')
  runByBash(t, host, await printed(t, host, 'eject'))
  await idle(t, host, 'eject', 'nothing to do: no machine has its seed any more')
  runByBash(t, host, await printed(t, host, 'destroy', '--yes', '--images'))
  const nothing = { domains: [], volumes: [], pools: [], networks: [] }
  t.strictSame(all(), [nothing, nothing])
})

await t.test('npm start makes the whole lab', async (t) => {
  host.restore()
  const { stderr } = await succeeds(t, host, 'up', '--yes')
  t.match(stderr, 'libvirt: bigbox: ')
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
  t.match((await succeeds(t, host, 'logs')).stderr, /worker02 +\d+ s +domain\.xml/)
})

const cluster = new FakeHost(t, twoHosts)
cluster.addHost('bigbox')
await prepare(t, cluster, 'create', 'eject', 'install-rke2', 'join')
cluster.save()

await t.test('status tells what is known while one host is off', async (t) => {
  cluster.restore()
  const { nodes } = await statusOf(t, cluster)
  t.match(nodes, [
    { name: 'kubemaster', domain: 'running', seed: 'ejected', kubernetes: { ready: true } },
    { name: 'worker01', host: 'this host', domain: 'running' },
    { name: 'worker02', domain: 'running', seed: 'ejected', ssh: 'ok', disk: {} },
  ])
  cluster.switchOffHost('bigbox')
  const result = await cluster.run('status')
  failed(t, result, off)
  t.match(result.stdout, /worker02 .* bigbox +unknown .* no /)
  t.match(result.stdout, /worker01 .* running .* ok/)
})

const states = () =>
  ['kubemaster', 'worker01', 'hosts/bigbox/domains/worker02'].map((place) =>
    cluster.read(`${place.includes('/') ? '' : 'domains/'}${place}/state`).trim(),
  )

await t.test('what speaks with the nodes alone continues without the other host', async (t) => {
  cluster.restore()
  cluster.switchOffHost('bigbox')
  const silent = 'worker02: cannot be reached over SSH'
  await idle(t, cluster, 'install-rke2', 'nothing to do')
  failed(t, await cluster.run('join'), silent)
  t.match((await succeeds(t, cluster, 'join', 'worker01')).stderr, 'joined and Ready: worker01')
  t.match((await succeeds(t, cluster, 'backup')).stderr, 'saved in .lab/lab/backups/lab-')
  const exec = await cluster.run('exec', ['--', 'uptime'])
  failed(t, exec, silent)
  for (const name of ['kubemaster', 'worker01'])
    t.match(exec.stdout, new RegExp(`^${name}: .* up `, 'm'))
  const { stderr } = await succeeds(t, cluster, 'logs')
  t.match(stderr, 'missing: bigbox: libvirt is not running')
  t.match(stderr, /nodes\/worker01\/: .*domain\.xml/)
})

await t.test('stop and start do what they can', async (t) => {
  cluster.restore()
  cluster.switchOffHost('bigbox')
  const one = await succeeds(t, cluster, 'stop', 'worker01')
  t.match(one.stderr, '1 of 3 servers stay on: etcd needs more than half')
  failed(t, await cluster.run('stop'), off, 'left out: worker02', 'npx zx scripts/stop.ts')
  t.strictSame(states(), ['shut off', 'shut off', 'running'])
  failed(t, await cluster.run('start'), off, 'left out: worker02', 'npx zx scripts/start.ts')
  t.strictSame(states(), ['running', 'running', 'running'])
  failed(t, await cluster.run('stop', ['worker02']), off)
  cluster.switchOnHost('bigbox')
  await succeeds(t, cluster, 'stop')
  t.strictSame(states(), ['shut off', 'shut off', 'shut off'])
  await succeeds(t, cluster, 'start')
  t.strictSame(states(), ['running', 'running', 'running'])
})

await t.test('what must not be done by halves needs every host', async (t) => {
  cluster.restore()
  await succeeds(t, cluster, 'snapshot', 'save', 'good')
  const saved = (place: string) => existsSync(join(cluster.state, place, 'snapshots/good'))
  t.ok(saved('domains/worker01') && saved('hosts/bigbox/domains/worker02'))
  t.match((await succeeds(t, cluster, 'snapshot', 'list')).stdout, /good .* complete/)
  await succeeds(t, cluster, 'snapshot', 'revert', 'good', '--yes')
  cluster.switchOffHost('bigbox')
  failed(t, await cluster.run('snapshot', ['save', 'other']), off)
  failed(t, await cluster.run('resize'), off)
  failed(t, await cluster.run('remove', ['worker02', '--yes']), off)
  cluster.switchOnHost('bigbox')
  await succeeds(t, cluster, 'snapshot', 'remove', 'good', '--yes')
  t.notOk(saved('domains/worker01') || saved('hosts/bigbox/domains/worker02'))
})

await t.test('machines are in the order of the lab file, wherever they are', async (t) => {
  const host = new FakeHost(t, (lab) => {
    twoHosts(lab)
    for (const [index, node] of lab.nodes.entries()) node.host = index === 0 ? 'bigbox' : undefined
  })
  host.addHost('bigbox')
  await prepare(t, host, 'create', 'eject')
  await succeeds(t, host, 'snapshot', 'save', 'good')
  const { stdout } = await succeeds(t, host, 'snapshot', 'list', '--json')
  const machines = ['kubemaster', 'worker01', 'worker02']
  t.match(JSON.parse(stdout), { snapshots: [{ name: 'good', machines, remark: null }] })
})

await t.test('a snapshot is removed where it is, whatever the lab file says', async (t) => {
  cluster.restore()
  await succeeds(t, cluster, 'snapshot', 'save', 'good')
  const place = (root: string) => `${root}domains/worker02`
  const copy = join(cluster.state, place(''))
  cpSync(join(cluster.state, place('hosts/bigbox/')), copy, { recursive: true })
  const foreign = cluster.read(`${place('')}/config.xml`).replaceAll("lab='lab'", "lab='theirs'")
  cluster.put(`${place('')}/config.xml`, foreign.replaceAll('lab="lab"', 'lab="theirs"'))
  cluster.writeLab((lab) => {
    twoHosts(lab)
    lab.nodes.length = 2
  })
  await succeeds(t, cluster, 'snapshot', 'remove', 'good', '--yes')
  t.notOk(existsSync(join(cluster.state, place('hosts/bigbox/'), 'snapshots/good')))
  t.ok(existsSync(join(copy, 'snapshots/good')), 'that of another lab stays')
})

await t.test('nodes that all moved to the other host are found on the first one', async (t) => {
  cluster.restore()
  cluster.writeLab((lab) => {
    twoHosts(lab)
    for (const node of lab.nodes) node.host = 'bigbox'
  })
  failed(t, await cluster.run('create'), 'kubemaster: it is on this host', 'worker01: it is on')
  failed(t, await cluster.run('stop'), 'worker01: it is on this host')
  await succeeds(t, cluster, 'destroy', '--yes')
  t.strictSame(cluster.inventory().domains, [])
  t.strictSame(cluster.inventory('bigbox').domains, [])
})

await t.test('what may be on a host that is off is neither made again nor given up', async (t) => {
  cluster.restore()
  cluster.switchOffHost('bigbox')
  failed(t, await cluster.run('remove', ['worker01', '--yes']), /etcd|quorum/)
  t.ok(cluster.kubeNodes().worker01 !== undefined)
  cluster.writeLab((lab) => {
    twoHosts(lab)
    delete lab.nodes[2]!.host
  })
  const may = 'worker02: it was made, and may be on bigbox, which does not answer'
  failed(t, await cluster.run('create'), may)
  failed(t, await cluster.run('destroy', ['worker02', '--yes']), may)
  t.ok(existsSync(join(cluster.project, '.lab/lab/nodes/worker02')))
  t.strictSame(cluster.inventory().domains, ['kubemaster', 'worker01'])
  cluster.switchOnHost('bigbox')
  await succeeds(t, cluster, 'destroy', 'worker02', '--yes')
  t.strictSame(cluster.inventory('bigbox').domains, [])
})

await t.test('destroy removes the rest where one host does not show its pool', async (t) => {
  cluster.restore()
  cluster.writeLab((lab) => {
    twoHosts(lab)
    lab.hosts = { bigbox: { libvirt: uri, pool: '/data/rke2-kvm-lab' } }
  })
  const why =
    /bigbox: not all of the lab can be seen, so nothing is removed there: the storage pool .* is in/
  const one = await succeeds(t, cluster, 'destroy', 'worker01', '--yes')
  t.match(one.stderr, why)
  const all = await cluster.run('destroy', ['--yes'])
  failed(t, all, why, 'what the lab has on bigbox stays', '# then: npx zx scripts/destroy.ts')
  t.notMatch(all.stderr, 'take it and its nodes out')
  t.strictSame(cluster.inventory().domains, [])
  t.strictSame(cluster.inventory('bigbox').domains, ['worker02'])
  t.ok(existsSync(join(cluster.project, '.lab/lab/ssh_config')))
})

await t.test('eject continues where one host does not show its pool', async (t) => {
  cluster.restore()
  const toHost = (pool?: string) =>
    cluster.writeLab((lab) => {
      twoHosts(lab)
      lab.hosts = { bigbox: { libvirt: uri, ...(pool && { pool }) } }
    })
  toHost('/data/rke2-kvm-lab')
  writeFileSync(join(cluster.project, '.lab/lab/nodes/worker01/host_key'), '')
  const why = 'bigbox: the storage pool rke2-kvm-lab is in'
  failed(t, await cluster.run('eject'), why, 'left out: worker02', 'npx zx scripts/eject.ts')
  t.notOk(existsSync(join(cluster.project, '.lab/lab/nodes/worker01/host_key')))
  toHost()
  await idle(t, cluster, 'eject', 'nothing to do')
})

await t.test('one libvirt under two names is refused, as soon as that can be seen', async (t) => {
  const host = new FakeHost(t, (lab) => {
    twoHosts(lab)
    delete lab.hosts
    delete lab.nodes[2]!.host
  })
  await succeeds(t, host, 'create')
  mkdirSync(join(host.state, 'hosts'))
  symlinkSync('..', join(host.state, 'hosts/bigbox'))
  host.writeLab(twoHosts)
  const twice = 'kubemaster is on this host and on bigbox'
  for (const words of [['create'], ['destroy', '--yes'], ['stop'], ['doctor']])
    failed(t, await host.run(words[0]!, words.slice(1)), twice, 'name each libvirt once')
  t.strictSame(host.inventory().domains, ['kubemaster', 'worker01', 'worker02'])
})

await t.test('resize and remove reach the other host', async (t) => {
  cluster.restore()
  cluster.writeLab((lab) => {
    twoHosts(lab)
    lab.nodes[2]!.memory = '5GiB'
  })
  const { changes } = await succeeds(t, cluster, 'resize', 'worker02')
  t.ok(changes.some((call) => / setmaxmem worker02 5120MiB /.test(call)))
  t.match(cluster.read('hosts/bigbox/domains/worker02/config.xml'), '>5242880</memory>')
  await succeeds(t, cluster, 'remove', 'worker02', '--yes')
  t.strictSame(cluster.inventory('bigbox').domains, [])
  t.strictSame(Object.keys(cluster.kubeNodes()), ['kubemaster', 'worker01'])
})

await t.test('a machine that is on another host than the lab file says is found', async (t) => {
  cluster.restore()
  cluster.writeLab((lab) => {
    twoHosts(lab)
    lab.nodes[1]!.host = 'bigbox'
  })
  failed(t, await cluster.run('create'), 'worker01: it is on this host; a machine does not move')
  const { nodes } = await statusOf(t, cluster)
  t.match(nodes[1], { name: 'worker01', domain: 'absent', remark: 'it is on this host' })
  const { code, stderr } = await cluster.run('doctor')
  t.equal(code, 1)
  t.match(stderr, 'this host: worker01 is there, and the lab file has it on another host')
  await succeeds(t, cluster, 'destroy', 'worker01', '--yes')
  t.strictSame(cluster.inventory().domains, ['kubemaster'])
})

await t.test('the doctor looks at each host, and at this one once', async (t) => {
  cluster.restore()
  const { stderr } = await succeeds(t, cluster, 'doctor')
  const times = (text: string) => stderr.split(text).length - 1
  t.strictSame([times('host tools: '), times('image: '), times('KVM: this host: ')], [1, 1, 1])
  t.match(stderr, 'libvirt: bigbox: qemu+unix:///system?socket=/run/bigbox/libvirt-sock answers')
  t.match(stderr, 'memory: bigbox: 32 GiB free')
  cluster.switchOffHost('bigbox')
  const result = await cluster.run('doctor')
  t.equal(result.code, 1)
  t.match(result.stderr, /✗ libvirt: bigbox: libvirt is not running/)
  t.match(result.stderr, '✓ libvirt: this host: qemu:///system answers')
})

await t.test('destroy with a host that is off keeps the files for the next run', async (t) => {
  cluster.restore()
  cluster.switchOffHost('bigbox')
  failed(
    t,
    await cluster.run('destroy', ['--yes']),
    off,
    /what the lab has on bigbox stays, and so does \.lab\/lab/,
  )
  t.strictSame(cluster.inventory().domains, [])
  t.ok(existsSync(join(cluster.project, '.lab/lab/ssh_config')))
  failed(t, await cluster.run('destroy', ['--yes']), off)
  cluster.switchOnHost('bigbox')
  const { stderr } = await succeeds(t, cluster, 'destroy', '--yes', '--images')
  t.match(stderr, 'domain   worker02 (running) on bigbox')
  const nothing = { domains: [], volumes: [], pools: [], networks: [] }
  t.strictSame([cluster.inventory(), cluster.inventory('bigbox')], [nothing, nothing])
  t.notOk(existsSync(join(cluster.project, '.lab')))
  t.match((await succeeds(t, cluster, 'destroy', '--yes')).stderr, 'nothing to remove')
})

await t.test('a host behind SSH is asked by libvirt, and looked at over SSH', async (t) => {
  const host = new FakeHost(t)
  host.addHost('bigbox')
  const onBridge = (bridge: string) =>
    host.writeLab((lab) => {
      twoHosts(lab)
      lab.hosts = { bigbox: { libvirt: 'qemu+ssh://me@bigbox/system', bridge } }
    })
  const ofBigbox = async () => {
    const { stdout } = await host.run('doctor', ['--json'])
    const { findings } = JSON.parse(stdout) as { findings: Record<'found' | 'level', string>[] }
    return findings.filter(({ found, level }) => found.includes('bigbox') && level !== 'ok')
  }

  onBridge('br1')
  const missing = 'on bigbox: there is no interface br1; bridges of this host: br0'
  t.match(await ofBigbox(), [{ check: 'bridge', level: 'failure', found: missing }])
  failed(t, await host.run('create'), missing)
  onBridge('br0')
  t.strictSame(await ofBigbox(), [])
  await succeeds(t, host, 'create')
  t.strictSame(host.inventory('bigbox').domains, ['worker02'])
  await succeeds(t, host, 'eject')
  const { nodes } = await statusOf(t, host)
  t.match(nodes[2], { name: 'worker02', host: 'bigbox', domain: 'running', seed: 'ejected' })
  await succeeds(t, host, 'destroy', '--yes', '--images')
  t.strictSame(host.inventory('bigbox').domains, [])
})
