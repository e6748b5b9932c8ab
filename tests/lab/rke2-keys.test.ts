// rke2.config of the lab file: the same rules as for rke2/server.yaml, and those of YAML 1.2.
import t from 'tap'
import { UsageError } from '../../lib/text/errors.ts'
import { makeLab } from '../helpers/labs.ts'

const wrong: [key: string, value: unknown, says: RegExp][] = [
  ['cni', ['multus', 'canal'], /line \d+, rke2\.config\.cni: .* use rke2\.cni in the lab file$/],
  ['node-name', 'x', /use nodes\[\]\.name in the lab file$/],
  [
    'agent-token-file',
    '/x',
    /is set by the scripts, or they rely on its default; remove this secret$/,
  ],
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
  const taken = {
    debug: true,
    'kubelet-arg': ['max-pods=50'],
    profile: 'cis',
    'etcd-snapshot-retention': 7,
  }
  t.strictSame(makeLab((lab) => (lab.rke2.config = taken)).rke2.config, taken)
  t.end()
})
