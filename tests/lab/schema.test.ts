// The rules of a lab file, each with its message.
import t from 'tap'
import { hostileStrings, problems, problemsOf, setAt } from '../helpers/labs.ts'

await t.test(
  'all problems are reported at once, each with line, path and reason, in order',
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
      'line 3, image: give one of name, url and file',
      'line 5, network: give either bridge or nat',
      'line 8, network.gateway: 10.0.0.1 is not in network.cidr 192.0.2.0/24',
      'line 10, nodes: at least one node must have role: server',
      'line 11, nodes[1].address: must be an IPv4 address',
      'line 11, nodes[1].cpu: unknown key',
      'line 11, nodes[1].name: one is already nodes[0]',
      /^line 12, rke2\.version: must be a release/,
    ])
  },
)

await t.test('a text that is not YAML, or not a mapping, is reported as such', async (t) => {
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
  ['pool', 'data/rke2-kvm-lab', /whole path that ends in/],
  ['pool', '/data', /a separate folder/],
  ['pool', '/data/../rke2-kvm-lab', /whole path/],
  ['pool', "/it's/rke2-kvm-lab", /whole path/],
  ['image', { url: 'ftp://host/file' }, /must be an http or https address/],
  ['image', { url: 'https://host/a', file: 'b' }, /give one of name, url and file/],
  ['image', { file: '-o' }, /must not start with "-"/],
  ['image', { file: '' }, /image\.file/],
  ['image.sha256', 'ABC', /64 hexadecimal digits/],
  ['image.md5', 'a', /unknown key/],
  ['network.bridge', 'a-very-long-bridge', /at most 15/],
  ['network.bridge', undefined, /give either bridge or nat/],
  ['network.cidr', '192.0.2.0', /must be an IPv4 network/],
  ['network.cidr', '192.0.2.0/33', /must be an IPv4 network/],
  ['network.cidr', 'fd00::/64', /must be an IPv4 network .*; docs\/limits\.md says why IPv6/],
  ['network.gateway', 'fd00::1', /must be an IPv4 address; docs\/limits\.md says why IPv6/],
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
  ['nodes.1.address', 'fd00::31', /must be an IPv4 address; docs\/limits\.md says why IPv6/],
  ['nodes.1.memory', '4 GiB', /size such as 4GiB/],
  ['nodes.1.memory', 4, /expected string/],
  ['rke2.version', 'v1.35', /must be a release such as v1/],
  ['rke2.cni', 'weave', /rke2\.cni: must be canal, .* or a list such as \[multus, canal\]/],
  ['rke2.cni', 'multus', /a list such as \[multus, canal\]/],
  ['rke2.cni', ['canal', 'multus'], /a list such as \[multus, canal\]/],
  ['rke2.cni', ['multus'], /a list such as/],
  [
    'rke2.config',
    { token: 'x' },
    /rke2\.config\.token: is set by the scripts, or they rely on its default/,
  ],
  ['rke2.config', { 'node-ip': '1.2.3.4' }, /is set by the scripts/],
  ['rke2.config', { 'data-dir': '/srv' }, /rke2\.config\.data-dir: is set by the scripts/],
  ['rke2.config', { 'cluster-cidr': '192.0.0.0/16' }, /overlaps RKE2's cluster-cidr 192\.0\.0\.0/],
  ['rke2.vip', '10.0.0.9', /rke2\.vip: 10\.0\.0\.9 is not in/],
  ['rke2.vip', 'fd00::9', /rke2\.vip: must be an IPv4 address; docs/],
  ['rke2.vip', '192.0.2.255', /rke2\.vip: .* broadcast/],
  ['rke2.vip', '192.0.2.1', /rke2\.vip: 192\.0\.2\.1 is network\.gateway/],
  ['rke2.vip', '192.0.2.31', /rke2\.vip: 192\.0\.2\.31 is already nodes\[1\]/],
  ['rke2.vipImage', 'kube-vip', /rke2\.vipImage: must be an image with a version/],
  ['rke2.vipImage', 'registry.lan:5000/kube-vip:latest', /must be an image with a version/],
  ['rke2.mirror', 'mirror', /must be an http or https address/],
]
await t.test('each broken rule is reported with its path and reason', async (t) => {
  for (const [path, value, reason] of wrong) {
    const found = problemsOf((lab) => setAt(lab, path, value))
    t.match(found.join('\n'), reason, `${path} ${JSON.stringify(value)?.slice(0, 50)}`)
  }
})

await t.test('Multus may come before another network plugin', async (t) => {
  for (const cni of [['multus', 'canal'], ['multus', 'none'], 'none'])
    t.strictSame(
      problemsOf((lab) => setAt(lab, 'rke2.cni', cni)),
      [],
    )
})

// Accepted hostile strings are quoted or escaped: tests/text and tests/libvirt prove that.
const strings = [
  'name',
  'libvirt',
  'domainType',
  'image.name',
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
  'rke2.vipImage',
  'rke2.mirror',
]
const free = ['image.file', 'rke2.artifacts']
await t.test('hostile strings are rejected in every field that is not free text', async (t) => {
  const accepted: string[] = []
  for (const path of strings.filter((one) => !free.includes(one)))
    for (const hostile of hostileStrings) {
      const found = problemsOf((lab) => {
        if (path === 'network.nat') delete lab.network.bridge
        if (path === 'image.name' || path === 'image.url') lab.image = {}
        if (path === 'image.sha256') lab.image = { url: 'https://host/image' }
        setAt(lab, path, hostile)
      })
      if (found.length === 0 || found.some((line) => line.includes('\n')))
        accepted.push(`${path}: ${hostile}`)
    }
  t.strictSame(accepted, [])
})

await t.test('free text is one line and not an option', async (t) => {
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
