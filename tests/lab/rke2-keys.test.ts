// rke2.config of the lab file: the same rules and the same YAML 1.1 as for rke2/server.yaml.
import t from 'tap'
import { readFileSync } from 'node:fs'
import { parseLab, type Node } from '../../lib/lab/lab.ts'
import { rke2Config } from '../../lib/rke2/config.ts'
import { UsageError } from '../../lib/text/errors.ts'
import { toYaml } from '../../lib/text/yaml.ts'
import { makeLab, problemsOf } from '../helpers/labs.ts'

const wrong: [key: string, value: unknown, says: RegExp][] = [
  ['cni', ['multus', 'canal'], /line \d+, rke2\.config\.cni: .* use rke2\.cni in the lab file$/],
  ['node-name', 'x', /use nodes\[\]\.name in the lab file$/],
  [
    'agent-token-file',
    '/x',
    /is set by the scripts, or they rely on its default; remove this secret$/,
  ],
  ['bind-address', '192.0.2.30', /is set by the scripts, or they rely on its default; remove it$/],
  ['write-kubeconfig-name', 'x', /they rely on its default; remove it$/],
  ['disable-agent', true, /would leave out what the scripts wait for on every server; remove it$/],
  ['disable-etcd', true, /would leave out what the scripts wait for/],
  ['cluster-reset', true, /would reset etcd at every start; see tutorials\/27-backup\.md$/],
  ['cluster-reset-restore-path', '/x', /would reset etcd at every start/],
  [
    'cluster-cidr',
    '10.42.0.0/16,fd00:42::/56',
    /rke2\.config\.cluster-cidr: has an IPv6 network, but nodes have one address, of IPv4 \(nodes\[\]\.address\); docs\/limits\.md says why$/,
  ],
  ['service-cidr', ['10.43.0.0/16', 'fd00:43::/112'], /has an IPv6 network/],
  ['cluster-dns', 'fd00:43::a', /has an IPv6 network/],
  ['kubelet-arg', { 'max-pods': 50 }, /rke2\.config\.kubelet-arg: is a map/],
  ['kubelet-arg', [['a']], /rke2\.config\.kubelet-arg: holds a list inside a list/],
  ['profile', '{{ x }}', /is a template that was not filled in$/],
  ['node-label', ['a=${X}'], /holds a template that was not filled in$/],
  ['profile', null, /is empty/],
]

await t.test('what RKE2 cannot take is rejected with its path in the lab file', (t) => {
  for (const [key, value, says] of wrong)
    try {
      makeLab((lab) => (lab.rke2.config = { [key]: value }))
      t.fail(`${key} ${JSON.stringify(value)} was taken`)
    } catch (error) {
      t.match(error, { constructor: UsageError, details: [says] }, key)
    }
  const own = { 'advertise-address': '192.0.2.30', 'node-external-ip': '203.0.113.9' }
  t.strictSame(makeLab((lab) => (lab.rke2.config = own)).rke2.config, own, 'of the only server')
  t.match(
    problemsOf((lab) => {
      lab.nodes.push({ name: 'second', role: 'server', address: '192.0.2.40' })
      lab.rke2.config = own
    }),
    [
      /advertise-address: is another value on each machine, but would be the same on all 2; remove it$/,
      /node-external-ip: is another value/,
    ],
  )
  const taken = {
    'cluster-cidr': '10.90.0.0/16',
    'disable-kube-proxy': true,
    debug: true,
    'kubelet-arg': ['max-pods=50'],
    profile: 'cis',
  }
  t.strictSame(makeLab((lab) => (lab.rke2.config = taken)).rke2.config, taken)
  t.end()
})

const labText = readFileSync('lab.yaml', 'utf8')
const labWith = (config: string) =>
  parseLab(labText.replace(/^ {2}config: .*/m, `  config:\n    ${config}`), 'lab.yaml')

await t.test('rke2.config is YAML 1.1, as the file that it goes into', (t) => {
  const typed = [
    'selinux: yes',
    'debug: on',
    'etcd-snapshot-retention: 012',
    'cluster-domain: 12:30',
    'kubelet-arg: 1_000',
    'profile: "012"',
    'snapshotter: 2026-01-02',
    'system-default-registry: "yes "',
  ]
  for (const line of typed) {
    const lab = labWith(line)
    const made = rke2Config(lab, lab.nodes[0] as Node, {})
    t.ok(`\n${made}`.includes(`\n${line}\n`), `${line}: ${made}`)
  }
  const merged = labWith('<<: { selinux: no }')
  t.match(toYaml(merged.rke2.config), /selinux: no\n/)
  const refused: [string, RegExp][] = [
    ['selinux: ~', /^line \d+, rke2\.config\.selinux: is empty \(null\)/],
    ['selinux:', /^line \d+, rke2\.config\.selinux: is empty/],
    ['on: 1', /^rke2\.config: a key is not text; quote it/],
    ['debug: !!float 1', /^line \d+: the tag .*float is not supported/],
  ]
  for (const [line, says] of refused)
    try {
      t.fail(`${line} was taken: ${toYaml(labWith(line).rke2.config)}`)
    } catch (error) {
      t.match(error, { constructor: UsageError, details: [says] }, line)
    }
  t.end()
})
