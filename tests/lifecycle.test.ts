// eject.ts, status.ts and destroy.ts as real processes on a stand-in host.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost } from './helpers/fake-host.ts'
import { fixture, top } from './helpers/fixtures.ts'

const lab = (host: FakeHost, name: string) => join(host.project, '.lab/lab', name)
const forget = (host: FakeHost, ...names: string[]) =>
  execFileSync('rm', ['-rf', ...names.map((name) => join(host.state, name))])
interface Status {
  lab: string
  nodes: Record<string, unknown>[]
}
const statusOf = async (host: FakeHost, ...words: string[]) => {
  const { code, stdout, stderr } = await host.run('status', ['--json', ...words])
  t.strictSame([code, stderr], [0, ''])
  return JSON.parse(stdout) as Status
}

await t.test('the life of a lab: status, eject, destroy, each twice', async (t) => {
  const host = new FakeHost(t)

  await t.test('before create there is nothing, and nothing is wrong with that', async (t) => {
    const { code, stdout, stderr, changes } = await host.run('status')
    t.strictSame([code, stderr, changes], [0, '', []])
    t.matchSnapshot(stdout, 'table')
    const destroy = await host.run('destroy')
    t.strictSame([destroy.code, destroy.changes], [0, []])
    t.match(destroy.stderr, 'nothing to remove: nothing of this lab is on this host')
    t.notOk(existsSync(join(host.project, '.lab')), 'not even a folder')
    const eject = await host.run('eject', ['worker01'])
    t.equal(eject.code, 1)
    t.match(eject.stderr, '✗ worker01: there is no such machine')
    t.match(eject.stderr, 'try: npx zx scripts/create.ts worker01')
  })

  t.equal((await host.run('create')).code, 0)

  await t.test('status in all its fields', async (t) => {
    host.put('guests/worker01.error', 'Permission denied (publickey).\n')
    const busy = fixture('cloud-init-done.cloud-init-22.4.2.txt').replace(/== result[^]*/, '')
    host.put('guests/worker02', busy.replace('"stage": null', '"stage": "modules-final"'))
    const { stdout, stderr } = await host.run('status')
    t.matchSnapshot(stdout, 'table')
    t.equal(stderr, '')
    const status = await statusOf(host)
    t.matchSnapshot(status, 'JSON')
    t.strictSame(
      status.nodes.map(({ ssh, cloudInit, seed }) => [ssh, cloudInit, seed]),
      [
        ['ok', 'done', 'attached'],
        ['unreachable', null, 'attached'],
        ['ok', 'running', 'attached'],
      ],
    )
  })

  await t.test('a server tells of Kubernetes, also when only an agent is named', async (t) => {
    const item = {
      metadata: { name: 'worker01', labels: {} },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        nodeInfo: { kubeletVersion: 'v1.35.7+rke2r1' },
      },
    }
    const nodes = `== nodes\n${JSON.stringify({ items: [item] })}\n`
    host.put('guests/kubemaster', fixture('cloud-init-done.cloud-init-22.4.2.txt') + nodes)
    const status = await statusOf(host, 'worker01')
    t.match(status.nodes, [{ name: 'worker01', kubernetes: { ready: true, roles: [] } }])
    t.equal(status.nodes.length, 1)
    forget(host, 'guests/kubemaster')
  })

  await t.test('eject refuses while cloud-init is not done, and touches nothing', async (t) => {
    host.put('failures', 'change-media kubemaster *\tnot now\n')
    const { code, stderr, changes } = await host.run('eject')
    t.equal(code, 1)
    t.match(stderr, '✗ worker01: cloud-init is not done: SSH answers, but the login is not there')
    t.match(stderr, '✗ worker02: cloud-init is not done: cloud-init: final stage')
    t.match(stderr, '# or eject all the same: npx zx scripts/eject.ts worker02 --force')
    t.strictSame(changes, [])
    forget(host, 'guests/worker01.error', 'guests/worker02', 'failures')
  })

  await t.test('a cloud-init that failed keeps its seed, --force overrides', async (t) => {
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
    forget(host, 'guests/worker02')
  })

  await t.test('eject takes out what is left, deletes seeds and private host keys', async (t) => {
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
    }
    t.strictSame(
      host.inventory().volumes?.filter((name) => name.endsWith('.iso')),
      [],
    )
    const second = await host.run('eject')
    t.strictSame([second.code, second.changes], [0, []])
    t.match(second.stderr, 'nothing to do: no machine has its seed any more')
    const { nodes } = await statusOf(host, 'kubemaster', 'worker02')
    t.match(nodes, [
      { name: 'kubemaster', seed: 'ejected' },
      { name: 'worker02', seed: 'ejected' },
    ])
    const create = await host.run('create')
    t.strictSame([create.code, create.changes], [0, []], 'create makes no new seed')
  })

  await t.test('destroy asks, and without a terminal does nothing', async (t) => {
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

  await t.test('--images is not for one node', async (t) => {
    const { code, stderr, changes } = await host.run('destroy', ['worker01', '--images', '--yes'])
    t.strictSame([code, changes], [2, []])
    t.match(stderr, '✗ --images is for the whole lab: name no nodes with it')
  })

  await t.test('destroy of one node leaves the others', async (t) => {
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
    mkdirSync(join(host.state, 'logs'), { recursive: true })
    for (const name of ['kubemaster.log', 'kubemaster.console.log', 'other.log'])
      host.put(`logs/${name}`, 'x')
    host.put('failures', 'vol-delete * lab-worker02.qcow2\tdevice is busy\n')
    const cut = await host.run('destroy', ['--yes'])
    t.equal(cut.code, 1)
    t.match(cut.stderr, 'device is busy')
    forget(host, 'failures')

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
})

await t.test('destroy leaves decoys alone and tells of them', async (t) => {
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
    'left alone: domain worker01: somebody else made it',
    'left alone: volume lab-worker01.qcow2: this lab did not make it',
    'left alone: volume lab-worker01-seed.iso: this lab did not make it',
    'left alone: volume lab-notes.qcow2: no node of the lab file and no domain has it',
  ])
    t.match(stderr, text)

  await t.test('status calls the domain foreign, eject refuses it', async (t) => {
    const { nodes } = await statusOf(host)
    t.match(nodes[1], { domain: 'foreign', remark: 'not made by this lab', disk: null })
    const eject = await host.run('eject', ['worker01', '--force'])
    t.equal(eject.code, 1)
    t.match(eject.stderr, 'worker01: a domain of that name exists already')
    t.strictSame(eject.changes, [])
  })
})

await t.test('eject leaves a volume that has the name of a seed, but not its tag', async (t) => {
  const host = new FakeHost(t)
  t.equal((await host.run('create')).code, 0)
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

await t.test('destroy goes on where the logs cannot be had', async (t) => {
  const host = new FakeHost(t)
  t.equal((await host.run('create')).code, 0)
  host.put('failures', 'pool-create-as *\tcannot open directory\n')
  const { code, stderr } = await host.run('destroy', ['--yes', '--images'])
  t.equal(code, 0, stderr)
  t.match(
    stderr,
    '! the logs of the machines stay: virsh failed (exit 1): error: cannot open directory',
  )
  t.notOk(existsSync(join(host.project, '.lab')))
})

await t.test('a pool that is off is started, and looked into again', async (t) => {
  const host = new FakeHost(t)
  t.equal((await host.run('create')).code, 0)
  const off = () => forget(host, 'pools/rke2-kvm-lab/active')
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
    t.equal((await host.run('create')).code, 0)
    for (const side of ['live', 'config']) {
      const file = `domains/worker01/${side}.xml`
      host.put(file, host.read(file).replace('lab-worker01-seed.iso', 'rescue.iso'))
    }
    // The first try fails as libvirt says it when the guest does not let go.
    const virsh = join(host.bin, 'virsh')
    const real = join(host.bin, 'real/virsh')
    mkdirSync(join(host.bin, 'real'))
    execFileSync('mv', [virsh, real])
    host.add(
      'virsh',
      `if [[ $* = *--live* && ! -e $STAND_IN/let-go ]]; then
  touch "$STAND_IN/let-go"
  echo "error: internal error: unable to execute QEMU command 'eject': Tray of device 'scsi0-0-0-0' is not open" >&2
  exit 1
fi
exec "${real}" "$@"`,
    )
    const { nodes } = await statusOf(host)
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
    forget(host, 'let-go')

    const { code, stderr } = await host.run('eject')
    t.equal(code, 0, stderr)
    t.match(host.read('domains/kubemaster/live.xml'), "<source index='4'/>")
    t.match(host.read('domains/worker01/live.xml'), 'rescue.iso')
    t.notOk(host.inventory().volumes?.some((name) => name.endsWith('.iso')))
  },
)

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
