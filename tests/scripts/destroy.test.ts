// destroy.ts as a real process on a stand-in host.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { fixture } from '../helpers/fixtures.ts'
import { prepare } from '../helpers/prepare.ts'
import { statusOf, succeeds } from '../helpers/results.ts'

const lab = (host: FakeHost, name: string) => join(host.project, '.lab/lab', name)

await t.test('before create there is nothing to remove', async (t) => {
  const host = new FakeHost(t)
  const { code, stderr, changes } = await host.run('destroy')
  t.strictSame([code, changes], [0, []])
  t.match(stderr, 'nothing to remove: nothing of this lab is on this host')
  t.notOk(existsSync(join(host.project, '.lab')), 'not even a folder')
})

// Each test begins as create leaves the host.
const made = new FakeHost(t)
await prepare(t, made, 'create')
made.save()
function asMade(): FakeHost {
  made.restore()
  return made
}

await t.test('destroy asks, and without a terminal does nothing', async (t) => {
  const host = asMade()
  const before = host.inventory()
  const { code, stderr, changes } = await host.run('destroy', [], { input: 'y\n' })
  t.equal(code, 1)
  t.match(stderr, /there is no terminal to ask on, so nothing was done\n +try: add --yes/)
  t.match(stderr, '  domain   kubemaster (running)')
  t.match(stderr, '  volume   lab-worker02.qcow2')
  t.match(stderr, '  logs     /var/log/libvirt/qemu/worker02.{console.,}log*')
  t.match(stderr, '  files    .lab/lab')
  t.strictSame(changes, [])
  t.strictSame(host.inventory(), before)
})

await t.test('backups stay, but not what a killed backup left', async (t) => {
  const host = asMade()
  mkdirSync(lab(host, 'backups/part/files'), { recursive: true })
  writeFileSync(lab(host, 'backups/part/files/token'), 'secret')
  writeFileSync(lab(host, 'backups/lab-20261126-063600.tar'), '')
  const { stderr } = await succeeds(t, host, 'destroy', '--yes')
  t.match(stderr, '! left alone: the backups in .lab/lab/backups')
  t.strictSame(readdirSync(join(host.project, '.lab/lab')), ['backups'])
  t.strictSame(readdirSync(lab(host, 'backups')), ['lab-20261126-063600.tar'])
  t.match((await succeeds(t, host, 'destroy', '--yes')).stderr, '✓ nothing to remove')
})

await t.test('--images is not for one node', async (t) => {
  const host = asMade()
  const { code, stderr, changes } = await host.run('destroy', ['worker01', '--images', '--yes'])
  t.strictSame([code, changes], [2, []])
  t.match(stderr, '✗ --images is for the whole lab: name no nodes with it')
})

await t.test('destroy of one node leaves the others', async (t) => {
  const host = asMade()
  const { code, stderr } = await host.run('destroy', ['worker01', '--yes'])
  t.equal(code, 0, stderr)
  t.strictSame(host.inventory().domains, ['kubemaster', 'worker02'])
  t.notOk(existsSync(lab(host, 'nodes/worker01')))
  const known = readFileSync(lab(host, 'known_hosts'), 'utf8')
  t.match(known, /^kubemaster,.*\nworker02,.*\n$/)
  const again = await host.run('create', ['worker01'])
  t.equal(again.code, 0, again.stderr)
  t.strictSame(host.inventory().domains, ['kubemaster', 'worker01', 'worker02'])
})

await t.test('a destroy that was cut off is finished by the next one', async (t) => {
  const host = asMade()
  await succeeds(t, host, 'eject', 'kubemaster', 'worker02')
  mkdirSync(join(host.state, 'logs'), { recursive: true })
  for (const name of ['kubemaster.log', 'kubemaster.console.log', 'other.log'])
    host.put(`logs/${name}`, 'x')
  host.put('failures', 'vol-delete * lab-worker02.qcow2\tdevice is busy\n')
  const cut = await host.run('destroy', ['--yes'])
  t.equal(cut.code, 1)
  t.match(cut.stderr, 'device is busy')
  host.forget('failures')

  const { code, stdout, stderr } = await host.run('destroy', ['--yes', '--images'])
  t.equal(code, 0, stderr)
  t.equal(stdout, '')
  t.strictSame(host.inventory(), { domains: [], volumes: [], pools: [], networks: [] })
  t.notOk(existsSync(join(host.project, '.lab')))
  t.ok(existsSync(join(host.state, 'logs/other.log')), 'the log of another domain')
  t.notOk(existsSync(join(host.state, 'logs/kubemaster.console.log')))
  await t.test('nothing is left but the pool of a killed run: it goes', async (t) => {
    mkdirSync(join(host.state, 'pools/rke2-kvm-lab-logs'))
    host.put('pools/rke2-kvm-lab-logs/active', '')
    const again = await host.run('destroy', ['--yes'])
    t.strictSame([again.code, again.changes], [0, []])
    t.match(again.stderr, 'nothing to remove')
    t.strictSame(host.inventory().pools, [])
  })
})

await t.test('destroy leaves decoys alone and reports them', async (t) => {
  const host = new FakeHost(t, (raw) => {
    raw.network = { nat: 'rke2-nat', cidr: '198.51.100.0/24', gateway: '198.51.100.1' }
    raw.nodes = ['kubemaster', 'worker01'].map((name, index) => ({
      name,
      role: index === 0 ? 'server' : 'agent',
      address: `198.51.100.${30 + index}`,
    }))
  })
  t.equal((await host.run('create', ['kubemaster'])).code, 0)
  const foreign = fixture('domain-foreign.libvirt-9.0.0.xml')
  mkdirSync(join(host.state, 'domains/worker01'), { recursive: true })
  host.put('domains/worker01/config.xml', foreign.replace('<name>other', '<name>worker01'))
  host.put('domains/worker01/state', 'shut off\n')
  const decoys = ['lab-worker01.qcow2', 'lab-worker01-seed.iso', 'lab-notes.qcow2', 'thesis.qcow2']
  for (const name of decoys) host.addVolume(name)
  writeFileSync(join(host.project, '.lab/other-lab'), 'not ours\n')

  const { code, stderr } = await host.run('destroy', ['--yes', '--images'])
  t.equal(code, 0, stderr)
  t.strictSame(host.inventory(), {
    domains: ['worker01'],
    volumes: [...decoys].sort(),
    pools: ['rke2-kvm-lab'],
    networks: [],
  })
  t.ok(existsSync(join(host.project, '.lab/other-lab')))
  for (const text of [
    'left alone: domain worker01: someone else made it',
    'left alone: volume lab-worker01.qcow2: this lab did not make it',
    'left alone: volume lab-worker01-seed.iso: this lab did not make it',
    'left alone: volume lab-notes.qcow2: no node of the lab file and no domain uses it',
  ])
    t.match(stderr, text)

  await t.test('status calls the domain foreign, eject refuses it', async (t) => {
    const { nodes } = await statusOf(t, host)
    t.match(nodes[1], { domain: 'foreign', remark: 'not made by this lab', disk: null })
    const eject = await host.run('eject', ['worker01', '--force'])
    t.equal(eject.code, 1)
    t.match(eject.stderr, 'worker01: a domain of that name exists already')
    t.strictSame(eject.changes, [])
  })
})

await t.test('destroy continues where the logs cannot be read', async (t) => {
  const host = asMade()
  host.put('failures', 'pool-create-as *\tcannot open directory\n')
  const { code, stderr } = await host.run('destroy', ['--yes', '--images'])
  t.equal(code, 0, stderr)
  t.match(
    stderr,
    '! the logs of the machines were not deleted: virsh failed (exit 1): error: cannot open directory',
  )
  t.notOk(existsSync(join(host.project, '.lab')))
})

const noScript = spawnSync('script', ['--version']).status !== 0 && 'script(1) is not installed'
await t.test(
  'on a terminal: colour unless NO_COLOR, and questions',
  { skip: noScript },
  async (t) => {
    const colour = /\x1b\[\d+m/ // eslint-disable-line no-control-regex
    const host = new FakeHost(t, (raw) => (raw.nodes = [raw.nodes[0]!]))
    const create = await host.run('create', [], { terminal: true })
    t.equal(create.code, 0, create.stdout)
    t.match(create.stdout, colour)
    const no = await host.run('destroy', [], {
      terminal: true,
      input: 'n\n',
      env: { NO_COLOR: '1' },
    })
    t.notMatch(no.stdout, colour)
    t.match(no.stdout, 'Remove all this? [y/N]')
    t.match(no.stdout, '✗ nothing was removed')
    t.equal(no.code, 1, 'so that what follows && is not done')
    t.strictSame(no.changes, [])
    t.strictSame(host.inventory().domains, ['kubemaster'])
    const end = await host.run('destroy', [], {
      terminal: true,
      answer: { question: '[y/N]', keys: '\x04' },
    })
    t.equal(end.code, 1, 'Ctrl-D is no yes')
    t.match(end.stdout, /\[y\/N\] .*\r?\n.*✗.* nothing was removed/)
    t.strictSame(end.changes, [])
    const yes = await host.run('destroy', [], { terminal: true, input: 'y\n' })
    t.equal(yes.code, 0, yes.stdout)
    t.strictSame(host.inventory().domains, [])
  },
)
