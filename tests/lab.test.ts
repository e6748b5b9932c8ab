// The lab file: every rule, every message, and what is derived from it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fileTrouble, LabError, UsageError } from '../lib/text/errors.ts'
import { parseLab, stableMac, stableUuid } from '../lib/lab/lab.ts'
import { cidrContains, cidrsOverlap } from '../lib/lab/rules.ts'
import { formatSize, parseSize } from '../lib/text/size.ts'
import { hostileStrings, labText, makeLab, nodeOf, setAt, type RawLab } from './helpers/labs.ts'

const top = join(import.meta.dirname, '..')

/** The problems that a lab file has, as the reader sees them. */
function problems(text: string): string[] {
  try {
    parseLab(text, 'lab.yaml')
    return []
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [error.message, ...error.details]
  }
}
const problemsOf = (change: (lab: RawLab) => unknown) => problems(labText(change)).slice(1)

await t.test('a small lab file gets the defaults of everything else', async (t) => {
  const lab = makeLab()
  t.match(lab, {
    name: 'lab',
    libvirt: 'qemu:///system',
    domainType: 'auto',
    user: 'ubuntu',
    network: { nameservers: ['1.1.1.1', '8.8.8.8'] },
    rke2: { cni: 'canal', config: {}, images: false },
    dir: '.lab/lab',
    pool: { name: 'rke2-kvm-lab', path: '/var/lib/libvirt/images/rke2-kvm-lab' },
    warnings: [],
  })
  t.strictSame(nodeOf(lab, 'worker01'), {
    name: 'worker01',
    role: 'agent',
    address: '192.0.2.31',
    vcpus: 2,
    memory: 4 * 2 ** 30,
    disk: 40 * 2 ** 30,
    mac: stableMac('lab', 'worker01'),
    uuid: stableUuid('rke2-kvm-lab', 'domain', 'lab', 'worker01'),
    volume: 'lab-worker01.qcow2',
    seedVolume: 'lab-worker01-seed.iso',
    dir: '.lab/lab/nodes/worker01',
  })
})

await t.test('a node may differ from the defaults, and the defaults may be changed', async (t) => {
  const lab = makeLab((raw) => {
    raw.defaults = { vcpus: 4, memory: '2GiB' }
    Object.assign(raw.nodes[1]!, { memory: '512MiB', disk: '7G' })
  })
  const pick = ({ vcpus, memory, disk }: { vcpus: number; memory: number; disk: number }) => [
    vcpus,
    formatSize(memory),
    formatSize(disk),
  ]
  t.strictSame(lab.nodes.map(pick), [
    [4, '2 GiB', '40 GiB'],
    [4, '512 MiB', '7 GiB'],
    [4, '2 GiB', '40 GiB'],
  ])
})

await t.test(
  'the lab files that come with the project are valid, and clash in nothing',
  async (t) => {
    const files = ['lab.yaml', ...readdirSync(join(top, 'labs')).map((name) => join('labs', name))]
    const labs = files.map((file) => parseLab(readFileSync(join(top, file), 'utf8'), file))
    t.same(new Set(labs.map(({ name }) => name)).size, files.length, 'one name each')
    const macs = labs.flatMap(({ nodes }) => nodes.map(({ mac }) => mac))
    t.equal(new Set(macs).size, macs.length, 'no MAC twice')
    t.strictSame(
      labs.flatMap(({ warnings }) => warnings),
      [],
    )
    t.strictSame(
      labs[0]?.nodes.map(({ name, address }) => `${name} ${address}`),
      ['kubemaster 192.168.1.30', 'worker01 192.168.1.31', 'worker02 192.168.1.32'],
    )
  },
)

await t.test(
  'all problems are told at once, each with line, path and reason, in order',
  async (t) => {
    const text = [
      'name: Lab',
      'colour: blue',
      'image: {}',
      'network:',
      '  bridge: br0',
      '  nat: nat',
      '  cidr: 192.0.2.0/24',
      '  gateway: 10.0.0.1',
      'nodes:',
      '  - { name: one, role: agent, address: 192.0.2.30 }',
      '  - { name: one, role: agent, address: 192.0.2.300, cpu: 4 }',
      'rke2: { version: latest }',
    ].join('\n')
    t.matchStrict(problems(text), [
      'lab.yaml: 10 problems',
      /^line 1, name: must be a DNS label/,
      'line 2, colour: unknown key',
      'line 3, image: give either url or file',
      'line 5, network: give either bridge or nat',
      'line 8, network.gateway: 10.0.0.1 is not in network.cidr 192.0.2.0/24',
      'line 10, nodes: at least one node must have role: server',
      'line 11, nodes[1].address: must be an IPv4 address',
      'line 11, nodes[1].cpu: unknown key',
      'line 11, nodes[1].name: one is already nodes[0]',
      /^line 12, rke2\.version: must be an RKE2 version/,
    ])
  },
)

await t.test('a text that is no YAML, or no mapping, is told as such', async (t) => {
  t.match(problems('name: [').join('\n'), /lab.yaml is not valid YAML\n.+/)
  t.match(problems('a: 1\na: 2').join('\n'), 'Map keys must be unique')
  t.match(problems('a: &a [*a]\nb: *c').join('\n'), 'not valid YAML')
  t.match(problems('').join('\n'), /1 problem\nthe file: expected object/)
  t.match(problems('- a').join('\n'), /the file: expected object/)
  t.match(problems('x'.repeat(300)).join('\n'), /the file: expected object/)
})

const wrong: [path: string, value: unknown, reason: RegExp][] = [
  ['name', 'x'.repeat(41), /at most 40 characters/],
  ['name', undefined, /expected string/],
  ['libvirt', 'system', /must be a libvirt URI/],
  ['libvirt', 'qemu:///system; id', /must be a libvirt URI/],
  ['libvirt', 'qemu:///session', /qemu:\/\/\/system/],
  ['domainType', 'xen', /kvm/],
  ['image', { url: 'ftp://host/file' }, /must be an http or https address/],
  ['image', { url: 'https://host/a', file: 'b' }, /give either url or file/],
  ['image', { file: '-o' }, /must not start with "-"/],
  ['image', { file: '' }, /image\.file/],
  ['image.sha256', 'ABC', /64 hexadecimal digits/],
  ['image.md5', 'a', /unknown key/],
  ['network.bridge', 'a-very-long-bridge', /at most 15/],
  ['network.bridge', undefined, /give either bridge or nat/],
  ['network.cidr', '192.0.2.0', /must be an IPv4 network/],
  ['network.cidr', '192.0.2.0/33', /must be an IPv4 network/],
  ['network.cidr', 'fd00::/64', /must be an IPv4 network/],
  ['network.cidr', '10.42.7.0/24', /overlaps RKE2's cluster-cidr 10\.42\.0\.0\/16/],
  ['network.cidr', '10.0.0.0/8', /overlaps RKE2's service-cidr 10\.43\.0\.0\/16/],
  ['network.gateway', '192.0.3.1', /192\.0\.3\.1 is not in network\.cidr/],
  ['network.nameservers', [], /nameservers/],
  ['network.nameservers', ['dns.example'], /nameservers/],
  ['user', 'root', /must not be root/],
  ['user', 'Ubuntu', /must be a Linux user name/],
  ['defaults', { memory: '4096' }, /size such as 4GiB/],
  ['defaults', { memory: '256MiB' }, /at least 512MiB/],
  ['defaults', { disk: '1GiB' }, /at least 3GiB/],
  ['defaults', { vcpus: 0 }, /vcpus/],
  ['defaults', { vcpus: 1.5 }, /vcpus/],
  ['nodes', [], /at least one node/],
  ['nodes', 'kubemaster', /nodes: expected array/],
  ['nodes.0', null, /nodes\[0\]: expected object/],
  ['nodes.0.name', '123', /must be a DNS label/],
  ['nodes.0.name', 'a.b', /must be a DNS label/],
  ['nodes.0.name', '-a', /must be a DNS label/],
  ['nodes.0.name', 'x'.repeat(64), /must be a DNS label/],
  ['nodes.0.name', 'worker02', /worker02 is already nodes\[0\]/],
  ['nodes.0.role', 'master', /server/],
  ['nodes.0.role', 'agent', /at least one node must have role: server/],
  ['nodes.1.address', '192.0.2.30', /192\.0\.2\.30 is already nodes\[0\]/],
  ['nodes.1.address', '192.0.3.31', /is not in network\.cidr 192\.0\.2\.0\/24/],
  ['nodes.1.address', '192.0.2.0', /is the network address of/],
  ['nodes.1.address', '192.0.2.255', /is the broadcast address of/],
  ['nodes.1.address', '192.0.2.1', /is network\.gateway in/],
  ['nodes.1.memory', '4 GiB', /size such as 4GiB/],
  ['nodes.1.memory', 4, /expected string/],
  ['rke2.version', 'v1.35', /must be an RKE2 version/],
  ['rke2.cni', 'weave', /canal/],
  [
    'rke2.config',
    { token: 'x' },
    /rke2\.config\.token: is set by the scripts, or they rely on its default/,
  ],
  ['rke2.config', { 'node-ip': '1.2.3.4' }, /is set by the scripts/],
  ['rke2.config', { 'data-dir': '/srv' }, /rke2\.config\.data-dir: is set by the scripts/],
  ['rke2.config', { 'cluster-cidr': '192.0.0.0/16' }, /overlaps RKE2's cluster-cidr 192\.0\.0\.0/],
  ['rke2.vip', '10.0.0.9', /rke2\.vip: 10\.0\.0\.9 is not in/],
  ['rke2.vip', '192.0.2.255', /rke2\.vip: .* broadcast/],
  ['rke2.mirror', 'mirror', /must be an http or https address/],
]
await t.test('each broken rule is told with its path and reason', async (t) => {
  for (const [path, value, reason] of wrong) {
    const found = problemsOf((lab) => setAt(lab, path, value))
    t.match(found.join('\n'), reason, `${path} ${JSON.stringify(value)?.slice(0, 50)}`)
  }
})

await t.test(
  'an address that RKE2 takes may be used when RKE2 is told to take others',
  async (t) => {
    const found = problemsOf((lab) => {
      lab.network = { nat: 'n', cidr: '10.42.7.0/24', gateway: '10.42.7.1' }
      lab.nodes = [{ name: 'a', role: 'server', address: '10.42.7.2' }]
      lab.rke2.config = { 'cluster-cidr': '10.90.0.0/16' }
    })
    t.strictSame(found, [])
  },
)

await t.test('an even number of servers is warned about, an odd one is not', async (t) => {
  const servers = (count: number) =>
    makeLab((lab) => lab.nodes.slice(0, count).forEach((node) => (node.role = 'server'))).warnings
  t.strictSame(servers(1), [])
  t.match(servers(2), [/^2 servers: .*no more failures than 1$/])
  t.strictSame(servers(3), [])
})

// Where a hostile string may be accepted, it is quoted or escaped: tests/text.test.ts proves that.
const strings = [
  'name',
  'libvirt',
  'domainType',
  'image.url',
  'image.file',
  'image.sha256',
  'network.bridge',
  'network.nat',
  'network.cidr',
  'network.gateway',
  'network.nameservers.0',
  'user',
  'defaults.memory',
  'defaults.disk',
  'nodes.0.name',
  'nodes.0.role',
  'nodes.0.address',
  'nodes.0.memory',
  'nodes.0.disk',
  'rke2.version',
  'rke2.cni',
  'rke2.vip',
  'rke2.mirror',
]
const free = ['image.file', 'rke2.artifacts']
await t.test('hostile strings are refused in every field that is not free text', async (t) => {
  const accepted: string[] = []
  for (const path of strings.filter((one) => !free.includes(one)))
    for (const hostile of hostileStrings) {
      const found = problemsOf((lab) => {
        if (path === 'network.nat') delete lab.network.bridge
        if (path === 'image.url') lab.image = {}
        if (path === 'image.sha256') lab.image = { url: 'https://host/image' }
        setAt(lab, path, hostile)
      })
      if (found.length === 0 || found.some((line) => line.includes('\n')))
        accepted.push(`${path}: ${hostile}`)
    }
  t.strictSame(accepted, [])
})

await t.test('free text is one line that is no option', async (t) => {
  for (const path of free)
    t.strictSame(
      hostileStrings.filter((text) => problemsOf((lab) => setAt(lab, path, text)).length > 0),
      ['two\nlines', '-rf'],
      path,
    )
})

await t.test('hostile keys are shown as they are, on one line', async (t) => {
  const found = problemsOf((lab) => setAt(lab, 'nodes.0.$(id)\n', 'x'))
  t.equal(found.length, 1)
  t.match(found[0], 'unknown key')
})

await t.test('MAC and UUIDs are the same on every run, and differ by lab and node', async (t) => {
  t.equal(stableMac('lab', 'kubemaster'), makeLab().nodes[0]?.mac)
  t.matchSnapshot(
    makeLab().nodes.map(({ name, mac, uuid }) => `${name} ${mac} ${uuid}`),
    'a change here makes every existing machine a stranger',
  )
  const macs = ['a', 'b', 'c'].flatMap((lab) => ['a', 'b', 'c'].map((node) => stableMac(lab, node)))
  t.equal(new Set(macs).size, 9)
  t.ok(macs.every((mac) => /^52:54:00(:[0-9a-f]{2}){3}$/.test(mac)))
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  t.ok(
    Array.from({ length: 50 }, (_, index) => stableUuid(`${index}`)).every((one) => uuid.test(one)),
  )
  t.not(stableUuid('a-b', 'c'), stableUuid('a', 'b-c'))
})

await t.test(
  'lab a with node b-c and lab a-b with node c do not share a domain or a MAC',
  async (t) => {
    const one = makeLab((lab) => {
      lab.name = 'a'
      lab.nodes[0]!.name = 'b-c'
    }).nodes[0]!
    const other = makeLab((lab) => {
      lab.name = 'a-b'
      lab.nodes[0]!.name = 'c'
    }).nodes[0]!
    t.equal(one.volume, other.volume, 'their volumes have one name: ownership decides')
    t.not(one.uuid, other.uuid)
    t.not(one.mac, other.mac)
  },
)

await t.test('networks overlap when one holds the other', async (t) => {
  t.ok(cidrsOverlap('10.0.0.0/8', '10.42.0.0/16'))
  t.ok(cidrsOverlap('10.42.0.0/16', '10.0.0.0/8'))
  t.ok(cidrsOverlap('192.0.2.1/24', '192.0.2.200/24'))
  t.notOk(cidrsOverlap('192.0.2.0/25', '192.0.2.128/25'))
  t.ok(cidrContains('192.0.2.0/24', '192.0.2.255'))
  t.notOk(cidrContains('192.0.2.0/24', '192.0.3.0'))
})

await t.test('sizes are read as people write them and shown as people read them', async (t) => {
  t.equal(parseSize('4GiB'), 2 ** 32)
  t.equal(parseSize('40G'), 40 * 2 ** 30)
  t.equal(parseSize('512MiB'), 2 ** 29)
  t.equal(parseSize('2T'), 2 ** 41)
  for (const text of ['', '4', '4gib', '4GB', '-4GiB', '0GiB', '1.5GiB', '4GiB ', '4Gi', '1e3G'])
    t.equal(parseSize(text), undefined, text)
  const shown: [number, string][] = [
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [2048, '2 KiB'],
    [1.5 * 2 ** 30, '1.5 GiB'],
    [171.3 * 2 ** 20, '171 MiB'],
    [2 ** 60, '1048576 TiB'],
  ]
  for (const [bytes, text] of shown) t.equal(formatSize(bytes), text)
})

await t.test('errors carry their hints and details as lists', async (t) => {
  const cause = new Error('deep')
  const error = new LabError('what', { hint: 'try', details: ['seen'], cause })
  t.match(error, { message: 'what', hint: ['try'], details: ['seen'], cause })
  t.strictSame(new LabError('what').hint, [])
  t.ok(new UsageError('what') instanceof LabError)
})

await t.test('trouble with a file of this host is no bug', async (t) => {
  const thrown = (code: string, why: string) =>
    Object.assign(new Error(`${code}: ${why}, mkdir '.lab/lab'`), {
      code,
      syscall: 'mkdir',
      path: '.lab/lab',
    })
  t.match(fileTrouble(thrown('EACCES', 'permission denied')), {
    message: 'cannot mkdir .lab/lab: permission denied',
    hint: [/^ls -ld \. \.lab /, /sudo chown -R "\$USER" \.lab/],
  })
  t.match(fileTrouble(thrown('EPERM', 'operation not permitted'))?.hint[0], 'ls -ld')
  t.match(fileTrouble(thrown('EDQUOT', 'disk quota exceeded'))?.hint[0], 'df -h')
  t.match(fileTrouble(thrown('EROFS', 'read-only file system'))?.hint[0], 'findmnt')
  try {
    writeFileSync('/dev/full', 'x')
  } catch (error) {
    t.match(fileTrouble(error), { message: 'cannot write a file: no space left on device' })
  }
  t.equal(fileTrouble(thrown('ENOENT', 'no such file')), undefined, 'that one may be a bug')
  for (const other of [new Error('what'), 'what', undefined]) t.equal(fileTrouble(other), undefined)
})
