// rke2.config of the lab file: the same rules as for rke2/server.yaml, and those of YAML 1.2.
import t from 'tap'
import { UsageError } from '../../lib/text/errors.ts'
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
  ['cluster-reset', true, /would reset etcd at every start; see tutorials\/17-backup\.md$/],
  ['cluster-reset-restore-path', '/x', /would reset etcd at every start/],
  [
    'cluster-cidr',
    '10.42.0.0/16,fd00:42::/56',
    /rke2\.config\.cluster-cidr: has an IPv6 network, but nodes have one address, of IPv4 \(nodes\[\]\.address\)$/,
  ],
  ['service-cidr', ['10.43.0.0/16', 'fd00:43::/112'], /has an IPv6 network/],
  ['cluster-dns', 'fd00:43::a', /has an IPv6 network/],
  ['kubelet-arg', { 'max-pods': 50 }, /rke2\.config\.kubelet-arg: is a map/],
  ['kubelet-arg', [['a']], /rke2\.config\.kubelet-arg: holds a list inside a list/],
  ['profile', '{{ x }}', /is a template that was not filled in$/],
  ['node-label', ['a=${X}'], /holds a template that was not filled in$/],
  ['profile', null, /is empty/],
  ['selinux', 'yes', /"yes" is text here; write true$/],
  ['selinux', 'Off', /"Off" is text here; write false$/],
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
    'etcd-snapshot-retention': 7,
  }
  t.strictSame(makeLab((lab) => (lab.rke2.config = taken)).rke2.config, taken)
  t.end()
})
