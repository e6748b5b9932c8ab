// create.ts as a real process on a stand-in host.
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { FakeHost, type Result } from '../helpers/fake-host.ts'
import { fixture } from '../helpers/fixtures.ts'
import { qcow2 } from '../helpers/stand-ins.ts'
import type { RawLab } from '../helpers/labs.ts'

const escape = /\x1b/ // eslint-disable-line no-control-regex
const failed = (t: Test, { code, stderr }: Result, ...texts: (string | RegExp)[]) => {
  t.equal(code, 1, 'exit status 1')
  for (const text of texts) t.match(stderr, text)
  t.notMatch(stderr, 'this is a bug')
}
const oneNode = (lab: RawLab) => (lab.nodes = lab.nodes.slice(0, 1))
const modes = (folder: string, ...tests: string[]) =>
  execFileSync('find', [folder, ...tests, '-printf', '%m %P\n'], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)

await t.test('from nothing to three machines, and then nothing more to do', async (t) => {
  const host = new FakeHost(t)
  const { project } = host
  const first = await host.run('create', [], { npx: true })

  t.equal(first.code, 0, first.stderr)
  t.equal(first.stdout, '', 'stdout is for results')
  t.notMatch(first.stderr, escape)
  t.matchSnapshot([...first.changes].sort(), 'what it did')
  for (const name of ['kubemaster', 'worker01', 'worker02'])
    t.match(first.stderr, new RegExp(`✓ ${name} +\\d+ s  ready`))
  t.match(first.stderr, 'Next: npx zx scripts/eject.ts')
  const made = host.inventory()
  t.strictSame(made.domains, ['kubemaster', 'worker01', 'worker02'])
  t.equal(made.volumes?.length, 7, 'one base image, three disks, three seeds')

  await t.test('each changing command was shown so that it can be pasted', async (t) => {
    const shown = first.stderr.split('\n').filter((line) => /^ {2}[$ ] virsh /.test(line))
    t.strictSame(
      shown.map((line) => line.slice(4)).sort(),
      first.changes.filter((call) => call.startsWith('virsh')).sort(),
    )
  })
  await t.test('what is written is for this user only', async (t) => {
    t.match(modes(join(project, '.lab'), '-type', 'd'), [/^700 /, /^700 /])
    t.notOk(modes(join(project, '.lab'), '-type', 'd', '!', '-perm', '700').length)
    const open = modes(join(project, '.lab'), '-type', 'f', '-perm', '/077')
    t.strictSame(
      open.filter((line) => !line.endsWith('.pub')),
      [],
    )
  })
  await t.test('the seed has user-data with the keys, and is gone from the host', async (t) => {
    const seed = host.read('volumes/lab-worker01-seed.iso/data')
    const publicKey = readFileSync(join(project, '.lab/lab/id_ed25519.pub'), 'utf8').trim()
    t.ok(seed.includes(`- "${publicKey}"`), 'the public key of the lab')
    t.notMatch(seed, '@LAB_PUBLIC_KEY@')
    t.match(seed, /ed25519_private: \|\n {4}-----BEGIN OPENSSH PRIVATE KEY-----\n/)
    t.match(seed, /instance-id: worker01-[0-9a-f-]{36}\nlocal-hostname: worker01\n/)
    t.match(seed, /^ *rke2-kvm-lab:lab\/worker01 /m)
    t.match(seed, '192.0.2.31/24')
    t.notOk(existsSync(join(project, '.lab/lab/nodes/worker01/seed')))
    t.notOk(existsSync(join(project, '.lab/lab/nodes/worker01/seed.iso')))
  })
  await t.test('known_hosts has the host keys that the seeds hold', async (t) => {
    const known = readFileSync(join(project, '.lab/lab/known_hosts'), 'utf8').split('\n')
    t.match(known, [/^kubemaster,192\.0\.2\.30 ssh-ed25519 AAAA/, /^worker01,192/, /^worker02,192/])
    const key = known[1]?.split(' ')[2] ?? ''
    t.ok(host.read('volumes/lab-worker01-seed.iso/data').includes(key))
  })
  await t.test('no private key was shown, or given to a program as an argument', async (t) => {
    for (const file of ['id_ed25519', 'nodes/kubemaster/host_key', 'nodes/worker01/host_key']) {
      const secret = readFileSync(join(project, '.lab/lab', file), 'utf8').split('\n')[2] ?? ''
      t.equal(secret.length, 70)
      t.notOk((first.stderr + first.stdout + first.calls.join('\n')).includes(secret), file)
    }
  })

  const second = await host.run('create', ['--verbose'])
  t.equal(second.code, 0, second.stderr)
  t.strictSame(second.changes, [])
  t.match(second.stderr, 'nothing to do: every machine is there and ready')
  const asked = second.stderr.split('\n').filter((line) => line.includes(' -q '))
  t.match(
    asked[0],
    /^ {2}\$ virsh -c qemu:\/\/\/system -q 'list --all --uuid; pool-list --all --name; /,
  )
  t.match(asked[1], 'vol-dumpxml --pool rke2-kvm-lab lab-worker02.qcow2')
  t.notMatch(asked.join('\n'), 'echo', 'what it asks, not how it tells the answers apart')
  t.strictSame(host.inventory(), made)

  await t.test('without the key of the machines nothing is started', async (t) => {
    const key = join(project, '.lab/lab/id_ed25519')
    renameSync(key, `${key}.elsewhere`)
    const result = await host.run('create')
    renameSync(`${key}.elsewhere`, key)
    failed(
      t,
      result,
      '✗ .lab/lab/id_ed25519 is missing, and the machines of this lab accept no other key',
      'try: run this in the folder where they were made, or restore the key',
    )
    t.strictSame(result.changes, [])
  })
  await t.test('nor with another login than theirs', async (t) => {
    const text = readFileSync(join(project, 'lab.yaml'), 'utf8')
    writeFileSync(join(project, 'lab.yaml'), `${text}user: debian\n`)
    const { code, stderr, changes } = await host.run('create')
    t.strictSame([code, changes], [1, []])
    t.match(stderr, '✗ the machines of this lab have the login ubuntu, the lab file says debian')
    t.match(stderr, '# or put user: ubuntu back into the lab file')
    writeFileSync(join(project, 'lab.yaml'), text)
  })
  await t.test('files for ssh that were lost are made again', async (t) => {
    const files = ['ssh_config', 'known_hosts'].map((name) => join(project, '.lab/lab', name))
    const before = files.map((file) => readFileSync(file, 'utf8'))
    for (const file of files) rmSync(file)
    const { code, stderr, changes } = await host.run('create')
    t.strictSame([code, changes], [0, []], stderr)
    t.strictSame(
      files.map((file) => readFileSync(file, 'utf8')),
      before,
    )
  })
  await t.test('a machine that is paused or asleep continues', async (t) => {
    for (const [state, verb] of [
      ['paused', 'resume'],
      ['pmsuspended', 'dompmwakeup'],
    ]) {
      host.put('domains/worker01/state', `${state}\n`)
      const { code, stderr, changes } = await host.run('create')
      t.equal(code, 0, stderr)
      t.strictSame(changes, [`virsh -c qemu:///system ${verb} worker01`])
    }
  })
  await t.test('a machine that was shut off is started, and nothing else', async (t) => {
    execFileSync('bash', [join(host.bin, 'virsh'), '-c', 'x', 'destroy', 'worker02'], {
      env: { ...process.env, STAND_IN: host.state },
    })
    const third = await host.run('create')
    t.equal(third.code, 0, third.stderr)
    t.strictSame(third.changes, ['virsh -c qemu:///system start worker02'])
  })
  await t.test(
    'a node added to the lab file is made by its name; changes to others are reported',
    async (t) => {
      host.writeLab((lab) => {
        lab.nodes.push({ name: 'worker03', role: 'agent', address: '192.0.2.33' })
        lab.nodes[1]!.memory = '8GiB'
        lab.nodes[1]!.vcpus = 4
        lab.nodes[1]!.disk = '50GiB'
      })
      const grown = await host.run('create', ['worker03', 'worker01'])
      t.equal(grown.code, 0, grown.stderr)
      t.match(
        grown.changes.filter((call) => / (define|start|vol-create) /.test(call)),
        [/vol-create .*worker03\/disk\.xml/, /define .*worker03/, /start worker03/],
      )
      t.match(grown.stderr, /! worker01: vcpus is 2, the lab file says 4; resize\.ts changes it/)
      t.match(grown.stderr, /! worker01: memory is 4 GiB, the lab file says 8 GiB/)
      t.match(grown.stderr, /! worker01: disk is 40 GiB, the lab file says 50 GiB/)
      t.equal(host.inventory().domains?.length, 4)
      t.equal(readFileSync(join(project, '.lab/lab/known_hosts'), 'utf8').split('\n').length, 5)
    },
  )
  await t.test('a machine whose address was changed in the lab file is not changed', async (t) => {
    const config = readFileSync(join(project, '.lab/lab/ssh_config'), 'utf8')
    host.writeLab((lab) => {
      lab.nodes[1]!.address = '192.0.2.41'
      lab.nodes[2]!.address = '192.0.2.42'
    })
    const { code, stderr, changes } = await host.run('create')
    t.strictSame([code, changes], [1, []])
    t.match(stderr, '✗ worker01: it has 192.0.2.31, the lab file says 192.0.2.41;')
    t.match(stderr, '✗ worker02: it has 192.0.2.32, the lab file says 192.0.2.42;')
    t.match(
      stderr,
      /try: npx zx scripts\/destroy\.ts worker01 && npx zx scripts\/create\.ts worker01 /,
    )
    t.match(stderr, '# or put 192.0.2.31 back into the lab file')
    t.equal(readFileSync(join(project, '.lab/lab/ssh_config'), 'utf8'), config)
  })
})

await t.test('a NAT lab without KVM, from an image with a hostile name', async (t) => {
  const image = `it's $(touch pwned) & "x"; .qcow2`
  const host = new FakeHost(t, (lab) => {
    lab.image.file = image
    lab.domainType = 'auto'
    lab.network = { nat: 'rke2-nat', cidr: '198.51.100.0/24', gateway: '198.51.100.1' }
    lab.nodes = [{ name: 'one', role: 'server', address: '198.51.100.2' }]
  })
  writeFileSync(join(host.project, image), qcow2(2 ** 31))
  rmSync(join(host.state, 'files/dev/kvm'))
  const first = await host.run('create')
  t.equal(first.code, 0, first.stderr)
  t.notOk(existsSync(join(host.project, 'pwned')))
  const network = first.changes.filter((call) => call.includes(' net-'))
  t.match(network, [/net-define --validate/, /net-autostart rke2-nat/, /net-start rke2-nat/])
  t.match(host.read('domains/one/config.xml'), "<source network='rke2-nat'/>")
  t.match(first.stderr, /! KVM does not work here: there is no \/dev\/kvm.*ten times slower/)
  const xml = readFileSync(join(host.project, '.lab/lab/nodes/one/domain.xml'), 'utf8')
  t.match(xml, "<domain type='qemu'>", 'auto emulates without KVM')
  const second = await host.run('create')
  t.strictSame([second.code, second.changes], [0, []])

  await t.test('its network is made as the lab file says, unless it is in use', async (t) => {
    const readdress = (cidr: string, gateway: string) => {
      const text = readFileSync(join(host.project, 'lab.yaml'), 'utf8')
      const changed = text
        .replace(/cidr: .*/, `cidr: ${cidr}`)
        .replace(/gateway: .*/, `gateway: ${gateway}`)
      writeFileSync(join(host.project, 'lab.yaml'), changed)
    }
    readdress('198.51.100.0/25', '198.51.100.1')
    const inUse = await host.run('create')
    failed(
      t,
      inUse,
      'the network rke2-nat is 198.51.100.1/255.255.255.0, the lab file says 198.51.100.1/255.255.255.128',
      'npx zx scripts/destroy.ts && npx zx scripts/create.ts',
    )
    t.strictSame(inUse.changes, [])
    rmSync(join(host.state, 'networks/rke2-nat/active'))
    const off = await host.run('create')
    t.equal(off.code, 0, off.stderr)
    t.match(off.changes, [/net-define/, /net-autostart/, /net-start/])
    t.match(host.read('networks/rke2-nat/xml'), "netmask='255.255.255.128'")
  })
  await t.test(
    'destroy finds its network when the lab file does not name it any more',
    async (t) => {
      const text = readFileSync(join(host.project, 'lab.yaml'), 'utf8')
      writeFileSync(join(host.project, 'lab.yaml'), text.replace('nat: rke2-nat', 'bridge: br0'))
      const { code, stderr } = await host.run('destroy', ['--yes'])
      t.equal(code, 0, stderr)
      t.match(stderr, 'network  rke2-nat')
      t.strictSame(host.inventory().networks, [])
    },
  )
})

await t.test(
  'a failed step is reported with its node, and the next run continues from there',
  async (t) => {
    const host = new FakeHost(t)
    const fails = async (command: string, said: string, ...texts: (string | RegExp)[]) => {
      host.put('failures', `${command}\t${said}\n`)
      const result = await host.run('create')
      failed(t, result, said, ...texts)
      t.notMatch(result.stderr, 'Next:')
      return result.changes
    }
    await fails('vol-upload * image.qcow2', 'cannot write: No space left on device')

    // Keys of which only the private half was written get their public one.
    const publicKeys = ['id_ed25519', 'nodes/worker01/host_key'].map((name) =>
      join(host.project, '.lab/lab', `${name}.pub`),
    )
    const keys = publicKeys.map((file) => readFileSync(file, 'utf8').split(' ')[1] ?? '')
    rmSync(publicKeys[0]!)
    writeFileSync(publicKeys[1]!, '')

    // An upload that was cut off is done again.
    const define = 'define --validate .lab/lab/nodes/worker02/domain.xml'
    const second = await fails(
      define,
      'broken',
      /✗ worker02: virsh failed \(exit 1\): error: broken/,
    )
    t.match(
      second.filter((call) => call.includes('base-')),
      [/vol-delete .* base-/, /vol-upload .* base-/],
    )
    t.strictSame(host.inventory().domains, ['kubemaster', 'worker01'], 'the others were made')
    const seed = host.read('volumes/lab-worker01-seed.iso/data')
    for (const key of keys) t.ok(seed.includes(`ssh-ed25519 ${key}`))
    t.match(readFileSync(join(host.project, '.lab/lab/known_hosts'), 'utf8'), keys[1])

    // A node that was half made is finished, with its own seed.
    const instance = () =>
      /instance-id: (\S+)/.exec(host.read('volumes/lab-worker02-seed.iso/data'))?.[1]
    const before = instance()
    const third = await fails(
      'start worker02',
      'no room',
      '✗ worker02: virsh failed',
      'it never ran, so its definition was removed',
      'npx zx scripts/create.ts worker02',
    )
    t.notOk(
      third.some((call) => /vol-create .*disk\.xml/.test(call)),
      'its disk was there',
    )
    t.not(instance(), before)
    t.match(
      third.at(-1),
      'undefine worker02',
      'a machine that never ran is not kept as it was defined',
    )

    execFileSync('rm', [join(host.state, 'failures')])
    host.writeLab((lab) => (lab.nodes[2]!.memory = '2GiB'))
    const last = await host.run('create')
    t.equal(last.code, 0, last.stderr)
    t.match(last.changes.at(-1), 'start worker02')
    t.match(
      host.read('domains/worker02/config.xml'),
      "<memory unit='KiB'>2097152<",
      'but as the lab file says now',
    )
  },
)

await t.test('wrong usage and a broken lab file: exit status 2, nothing touched', async (t) => {
  const host = new FakeHost(t)
  const untouched = (name: string, { code, stdout, calls }: Result) =>
    t.strictSame(
      [code, stdout, calls, existsSync(join(host.project, '.lab'))],
      [2, '', [], false],
      name,
    )

  const option = await host.run('create', ['--dryrun'])
  untouched('option', option)
  t.match(option.stderr, '✗ unknown option --dryrun')
  t.match(option.stderr, /try: known options: --lab --timeout --dry-run --yes --verbose --help/)

  const node = await host.run('create', ['worker01', 'worker9', '; id'])
  untouched('node', node)
  t.match(node.stderr, '✗ no node "worker9", "; id" in lab lab')
  t.match(node.stderr, 'nodes of this lab: kubemaster worker01 worker02')

  const missing = await host.run('create', ['--lab', 'nowhere.yaml'])
  untouched('no lab file', missing)
  t.match(missing.stderr, /cannot read the lab file nowhere.yaml: ENOENT/)

  host.writeLab((lab) => {
    lab.nodes[0]!.name = '$(touch pwned)'
    lab.nodes[1]!.address = '192.0.2.32'
    lab.colour = 'red'
  })
  const broken = await host.run('create')
  untouched('lab file', broken)
  t.match(broken.stderr, '✗ lab.yaml: 3 problems')
  t.match(broken.stderr, 'nodes[0].name: must be a DNS label')
  t.match(broken.stderr, 'nodes[2].address: 192.0.2.32 is already nodes[1]')
  t.match(broken.stderr, 'colour: unknown key')
  t.notOk(existsSync(join(host.project, 'pwned')))
})

await t.test('without flock nothing is started, and the error says what to install', async (t) => {
  const host = new FakeHost(t)
  rmSync(join(host.bin, 'flock'))
  failed(t, await host.run('create'), '✗ cannot run flock', 'try: npx zx scripts/doctor.ts --fix')
})

await t.test('libvirt that cannot be reached is explained', async (t) => {
  const host = new FakeHost(t)
  host.put('no-connection', fixture('connect-missing.libvirt-9.0.0.txt'))
  failed(
    t,
    await host.run('create'),
    '✗ libvirt is not running or not installed',
    'try: sudo systemctl enable --now libvirtd',
  )
  host.without('virsh')
  failed(
    t,
    await host.run('create'),
    '✗ virsh is not installed',
    'try: npx zx scripts/doctor.ts --fix',
  )
})

await t.test('all problems of the host are reported at once, and nothing is changed', async (t) => {
  const host = new FakeHost(t, (lab) => (lab.network.bridge = 'br7'))
  host.put('network/192.0.2.31', 'open\n')
  host.put('network/192.0.2.32', 'refused\n')
  const neighbour = [{ dst: '192.0.2.30', lladdr: '02:00:00:00:00:01', state: ['REACHABLE'] }]
  host.put('neighbours', JSON.stringify(neighbour))
  host.put('no-kvm', 'Could not access KVM kernel module: Permission denied\n')
  host.without('genisoimage')
  const result = await host.run('create')
  failed(
    t,
    result,
    '✗ 6 problems were found',
    'KVM does not work here: QEMU cannot use it: Could not access KVM kernel module',
    'missing: genisoimage',
    'npx zx scripts/doctor.ts --fix',
    'there is no interface br7; bridges of this host: br0',
    'kubemaster: something else answers on 192.0.2.30 (MAC 02:00:00:00:00:01)',
    'worker01: something else answers on 192.0.2.31 (SSH is open)',
    'worker02: something else answers on 192.0.2.32 (it refuses SSH)',
    'try: npx zx scripts/doctor.ts',
  )
  t.strictSame(result.changes, [])
})

await t.test('an address that answers late is noticed before a machine uses it', async (t) => {
  const host = new FakeHost(t, oneNode)
  const late = [{ dst: '192.0.2.30', lladdr: '02:00:00:00:00:01', state: ['REACHABLE'] }]
  const result = await host.run('create', [], {
    onStderr: (text) => {
      if (text.includes('SSH and host keys')) host.put('neighbours', JSON.stringify(late))
    },
  })
  failed(
    t,
    result,
    /addresses.*: fine/,
    '✗ kubemaster: something else answers on 192.0.2.30 (MAC 02:00:00:00:00:01)',
  )
  t.strictSame(host.inventory().domains, [])
  host.put('neighbours', '[]')
  t.equal((await host.run('create')).code, 0)
})

await t.test('a host that was known before, and drops SSH, is waited for', async (t) => {
  const host = new FakeHost(t, oneNode)
  host.add(
    'ip',
    `case "$2" in -details) cat "$STAND_IN/ip-address"; exit ;; route) echo '[]'; exit ;; esac
looks=$(($(cat "$STAND_IN/looks" 2>/dev/null) + 1)); echo $looks >"$STAND_IN/looks"
echo '[{"dst":"192.0.2.30","lladdr":"02:00:00:00:00:01","state":["'$(((looks > 2)) && echo REACHABLE || echo DELAY)'"]}]'`,
  )
  const text = '✗ kubemaster: something else answers on 192.0.2.30 (MAC 02:00:00:00:00:01)'
  failed(t, await host.run('create'), text)
  t.equal(host.read('looks'), '3\n')
})

await t.test('names that someone else uses are left alone', async (t) => {
  const host = new FakeHost(t)
  const foreign = fixture('domain-foreign.libvirt-9.0.0.xml').replace(
    '<name>other',
    '<name>worker01',
  )
  mkdirSync(join(host.state, 'domains/worker01'), { recursive: true })
  host.put('domains/worker01/config.xml', foreign)
  host.put('domains/worker01/state', 'shut off\n')
  const result = await host.run('create')
  failed(
    t,
    result,
    '✗ worker01: a domain of that name exists already and belongs to something else',
    'it is left alone',
  )
  t.strictSame(result.changes, [])

  await t.test('also when another lab made them', async (t) => {
    const other = foreign.replace(
      '<memory ',
      `<metadata><lab:node xmlns:lab="urn:rke2-kvm-lab:1" lab="home" role="agent" address="192.0.2.9"/></metadata><memory `,
    )
    host.put('domains/worker01/config.xml', other)
    failed(t, await host.run('create'), 'exists already and belongs to lab home')
  })
})

await t.test('volumes that the lab did not make are neither used nor overwritten', async (t) => {
  const host = new FakeHost(t, oneNode)
  const makesPool = await host.run('create')
  t.equal(makesPool.code, 0, makesPool.stderr)
  host.writeLab((lab) => {
    oneNode(lab)
    for (const name of ['a', 'b'])
      lab.nodes.push({ name, role: 'agent', address: `192.0.2.4${name === 'a' ? 1 : 2}` })
  })
  host.addVolume('lab-a.qcow2')
  host.addVolume('lab-b-seed.iso')
  const before = ['lab-a.qcow2/xml', 'lab-b-seed.iso/data'].map((file) =>
    host.read(`volumes/${file}`),
  )
  const result = await host.run('create')
  failed(
    t,
    result,
    '✗ b: a volume called lab-b-seed.iso exists that this lab did not make',
    'try: rename the node or the lab in the lab file',
    'vol-info --pool rke2-kvm-lab lab-b-seed.iso',
  )
  t.equal(host.read('volumes/lab-b-seed.iso/data'), before[1])
  execFileSync('rm', ['-r', join(host.state, 'volumes/lab-b-seed.iso')])
  const other = await host.run('create')
  failed(t, other, '✗ a: a volume called lab-a.qcow2 exists that this lab did not make')
  t.equal(host.read('volumes/lab-a.qcow2/xml'), before[0])
  for (const { changes } of [result, other])
    t.notOk(changes.some((call) => /vol-(upload|delete).* lab-(a\.qcow2|b-seed\.iso)$/.test(call)))

  await t.test('nor is a disk of a domain that the lab did not make', async (t) => {
    mkdirSync(join(host.state, 'domains/other'))
    const foreign = fixture('domain-foreign.libvirt-9.0.0.xml')
    const disk = '/var/lib/libvirt/images/rke2-kvm-lab/lab-a.qcow2'
    host.put(
      'domains/other/config.xml',
      foreign.replace(/<source file='[^']*'/, `<source file='${disk}'`),
    )
    host.put('domains/other/state', 'shut off\n')
    const text = '✗ a: the volume lab-a.qcow2 is used by other, which this lab did not make'
    failed(t, await host.run('create'), text, 'rename the node or the lab')
    execFileSync('rm', ['-r', join(host.state, 'domains/other')])
  })
  await t.test('a disk left by a run with another image or size is reported', async (t) => {
    execFileSync('rm', ['-r', join(host.state, 'volumes/lab-a.qcow2')])
    t.equal((await host.run('create')).code, 0)
    execFileSync('rm', ['-r', join(host.state, 'domains/a')]) // a run that was cut off before `define`
    rmSync(join(host.state, 'network/192.0.2.41'))
    const disk = host.read('volumes/lab-a.qcow2/xml')
    host.put('volumes/lab-a.qcow2/xml', disk.replace(/base-\w+\.qcow2/, 'base-0.qcow2'))
    const text = '✗ a: its disk lab-a.qcow2 is left from an earlier run and'
    failed(t, await host.run('create'), `${text} is based on another image`, 'destroy.ts a')
    host.put('volumes/lab-a.qcow2/xml', disk.replace(/(<capacity[^>]*>)\d+/, `$1${3 * 2 ** 30}`))
    failed(t, await host.run('create'), `${text} has 3 GiB, not 40 GiB`)
    host.put('volumes/lab-a.qcow2/xml', disk)
    const last = await host.run('create')
    t.equal(last.code, 0, last.stderr)
    t.notOk(
      last.changes.some((call) => call.includes(' vol-create --pool')),
      'it is used',
    )
  })
})

await t.test('the image of Ubuntu counts only with the signature of its publisher', async (t) => {
  const host = new FakeHost(t, (lab) => {
    const url =
      'https://cloud-images.ubuntu.com/releases/noble/release/ubuntu-24.04-server-cloudimg-amd64.img'
    lab.image = { url }
  })
  host.add(
    'curl',
    `while (($# > 1)); do if [[ $1 = --output ]]; then file=$2; fi; shift; done
case $1 in
  */SHA256SUMS) echo '${'0'.repeat(64)} *ubuntu-24.04-server-cloudimg-amd64.img' >"$file" ;;
  */SHA256SUMS.gpg) echo signature >"$file" ;;
  *) exit 22 ;;
esac`,
  )
  host.add(
    'gpgv',
    `echo "gpgv $*" >>"$STAND_IN/calls"; echo '[GNUPG:] GOODSIG 1A5D6C4C7DB87C81 somebody'`,
  )
  const result = await host.run('create')
  failed(
    t,
    result,
    '✗ the checksum file of cloud-images.ubuntu.com is not signed by its publisher',
    'expected key D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81',
  )
  t.match(
    result.calls.find((call) => call.startsWith('gpgv')),
    /--keyring \S+\/lib\/download\/keys\/ubuntu-cloud-images\.gpg /,
  )
  t.strictSame(host.inventory().domains, [])
})

await t.test('an image that is not what it should be is refused', async (t) => {
  const host = new FakeHost(t, (lab) => (lab.image.sha256 = '0'.repeat(64)))
  const pinned = await host.run('create')
  const pin = `pinned ${'0'.repeat(64)}`
  failed(t, pinned, '✗ image.qcow2 is not the image that image.sha256 pins', pin)
  t.notOk(pinned.changes.some((call) => call.includes('vol-')))

  writeFileSync(join(host.project, 'image.qcow2'), qcow2(50 * 2 ** 30))
  host.writeLab()
  const text = '✗ kubemaster, worker01, worker02: the disk is smaller than the image (50 GiB)'
  failed(t, await host.run('create'), text, 'give disk: 50GiB or more')
  t.strictSame(host.inventory().domains, [])
})

await t.test('cloud-init: a failure is an error, recoverable errors are a warning', async (t) => {
  const host = new FakeHost(t)
  host.put('guests/worker01', fixture('cloud-init-failed.cloud-init-22.4.2.txt'))
  host.put('guests/worker02', fixture('cloud-init-complains.txt'))
  host.put('guests/kubemaster', '') // it is done only once the failure of the other was said
  const result = await host.run('create', [], {
    onStderr: (text) => {
      if (/✗ worker01 +\d+ s  failed\n/.test(text))
        host.put('guests/kubemaster', fixture('cloud-init-done.cloud-init-22.4.2.txt'))
    },
  })
  failed(
    t,
    result,
    '✗ worker01: cloud-init ended with an error',
    "('scripts-user', RuntimeError",
    'try: ssh -F .lab/lab/ssh_config worker01 sudo cat /var/log/cloud-init-output.log',
    'npx zx scripts/destroy.ts worker01 && npx zx scripts/create.ts worker01',
    /✓ worker02 .* ready, with cloud-init warnings/,
    '! worker02: cloud-init finished with warnings:',
    /✓ kubemaster +\d+ s  ready\n/,
  )
  host.put('guests/worker01', fixture('cloud-init-done.cloud-init-22.4.2.txt'))
  t.equal((await host.run('create')).code, 0, 'warnings alone are no failure')
})

await t.test(
  'a machine that never answers is reported with its last state and its console',
  async (t) => {
    const host = new FakeHost(t)
    const log = 'files/var/log/libvirt/qemu'
    host.put('silent', '')
    const trace = Array.from({ length: 20 }, (_, index) => `[    2.${100 + index}]  frame ${index}`)
    host.put(
      `${log}/kubemaster.console.log`,
      `\x1b[2JBooting from Hard Disk...\r\nkernel panic - not syncing\r\n${trace.join('\n')}\n`,
    )
    host.put(
      `${log}/worker01.console.log`,
      'Debian GNU/Linux 12 worker01 ttyS0\n\nlocalhost login: ',
    )
    const result = await host.run('create', ['--timeout', '1'])
    failed(
      t,
      result,
      '✗ kubemaster: not ready within 1 s (192.0.2.30)',
      'last state: no answer on its address yet',
      'its kernel panicked; see the console',
      /end of its console:\n +\[    2\.112] {2}frame 12\n/, // the last eight lines
      'it booted, but never saw its seed',
      'its console stayed empty',
      'try: virsh -c qemu:///system console kubemaster',
      '--timeout 2',
    )
    t.notMatch(result.stderr, escape)

    await t.test(
      'all consoles at once, read through libvirt, where a run was killed',
      async (t) => {
        const names = ['kubemaster', 'worker01', 'worker02']
        mkdirSync(join(host.state, 'pools/rke2-kvm-lab-logs'))
        host.put('pools/rke2-kvm-lab-logs/active', '')
        for (const name of names) {
          rmSync(join(host.state, log, `${name}.console.log`), { force: true })
          host.put(`logs/${name}.console.log`, `the console of ${name}\n`)
        }
        const { stderr } = await host.run('create', ['--timeout', '1'])
        for (const name of names) t.match(stderr, `      the console of ${name}\n`)
        t.strictSame(host.inventory().pools, ['rke2-kvm-lab'])
      },
    )

    await t.test('one that QEMU pauses is reported at once, with what to do', async (t) => {
      const paused = await host.run('create', ['kubemaster', '--timeout', '600'], {
        onStderr: (text) => {
          if (text.includes('Wait')) host.put('domains/kubemaster/state', 'paused\n')
        },
      })
      failed(
        t,
        paused,
        '✗ kubemaster: it was paused during the wait: paused (unknown)',
        'try: df -h /var/lib/libvirt/images/rke2-kvm-lab',
        'virsh -c qemu:///system resume kubemaster',
      )
    })

    await t.test('a cause on its console is reported before the deadline', async (t) => {
      host.put('domains/kubemaster/state', 'running\n')
      host.put(`${log}/kubemaster.console.log`, 'Kernel panic - not syncing: VFS\n')
      const said = '! kubemaster: no answer so far, and its console says why: its kernel panicked'
      const { stderr } = await host.run('create', ['kubemaster', '--timeout', '600'], {
        onStderr: (text) => {
          if (text.includes(said)) host.put('domains/kubemaster/state', 'paused\n')
        },
      })
      t.match(stderr, said)
      t.match(stderr, '✗ kubemaster: it was paused during the wait', 'it keeps waiting')
      t.equal(stderr.split('no answer so far').length, 2, 'once')
    })

    await t.test('so is one that has another host key', async (t) => {
      host.put('network/192.0.2.31', 'open\n')
      host.put('guests/worker01.error', 'Host key verification failed.\n')
      const result = await host.run('create', ['--timeout', '1', 'worker01'])
      failed(t, result, 'last state: something answers on SSH, but not with the host key')
      t.notMatch(result.stderr, 'it did not boot')
    })
  },
)

await t.test(
  'Ctrl-C ends it with 130 and says how to continue; the next run continues',
  async (t) => {
    const host = new FakeHost(t)
    host.put('silent', '')
    let sent = false
    let rival: Promise<Result> | undefined
    const first = await host.run('create', [], {
      onStderr: (text, child) => {
        if (sent || !text.includes('no answer on its address yet')) return
        sent = true
        rival = host.run('eject')
        void rival.then(() => child.kill('SIGINT'))
      },
    })
    t.equal(first.code, 130)
    t.match(first.stderr, '✗ interrupted: run the same command again to continue')

    await t.test('meanwhile a second run on the lab was refused', async (t) => {
      const second = await rival!
      failed(
        t,
        second,
        /✗ another run is working on lab lab \(process \d+\)/,
        'wait until it has ended',
      )
      t.strictSame(second.changes, [])
    })
    execFileSync('rm', [join(host.state, 'silent')])
    for (const number of [30, 31, 32]) host.put(`network/192.0.2.${number}`, 'open\n')
    const again = await host.run('create')
    t.strictSame([again.code, again.changes], [0, []])
    t.match(again.stderr, 'nothing to do')
  },
)

await t.test('without user-data machines are made, with a warning', async (t) => {
  const host = new FakeHost(t)
  rmSync(join(host.project, 'cloud-init'), { recursive: true })
  const { code, stderr } = await host.run('create')
  t.equal(code, 0, stderr)
  t.match(stderr, '! there is no cloud-init/user-data.yaml in this folder')
})

await t.test('user-data that takes NOPASSWD from the login user gets a warning', async (t) => {
  const host = new FakeHost(t)
  const users = 'users: [{ name: ubuntu, sudo: "ALL=(ALL) ALL" }]'
  writeFileSync(join(host.project, 'cloud-init/user-data.yaml'), `#cloud-config\n${users}\n`)
  const { code, stderr } = await host.run('create')
  t.equal(code, 0, stderr)
  t.match(stderr, '! sudo of ubuntu lacks NOPASSWD in cloud-init/user-data.yaml')
})

await t.test('user-data that is no cloud-config: exit status 2, nothing touched', async (t) => {
  const host = new FakeHost(t)
  writeFileSync(join(host.project, 'cloud-init/user-data.yaml'), 'packages: [jq]\n')
  const { code, stderr, changes } = await host.run('create')
  t.strictSame([code, changes], [2, []])
  t.match(stderr, '✗ cloud-init/user-data.yaml: the first line must be #cloud-config')
  t.equal(statSync(join(host.project, '.lab')).mode & 0o777, 0o700)
})
