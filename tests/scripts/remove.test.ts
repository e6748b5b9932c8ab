// remove.ts as a real process on a stand-in host.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, succeeds } from '../helpers/results.ts'

const threeServers = [
  { name: 'kubemaster', role: 'server', address: '192.0.2.30' },
  { name: 'worker01', role: 'server', address: '192.0.2.31' },
  { name: 'worker02', role: 'server', address: '192.0.2.32' },
]
const lab = (host: FakeHost, file: string) =>
  existsSync(join(host.project, '.lab/lab', file))
    ? readFileSync(join(host.project, '.lab/lab', file), 'utf8')
    : ''

async function cluster(t: Test, change?: ConstructorParameters<typeof FakeHost>[1]) {
  const host = new FakeHost(t, change)
  for (const script of ['create', 'eject', 'install-rke2', 'join']) await succeeds(t, host, script)
  host.save()
  return host
}
const made = await cluster(t)

await t.test(
  'an agent: drained, out of the cluster, then its machine, disk and keys',
  async (t) => {
    const host = made
    host.restore()
    const before = host.events().length
    const { stderr } = await succeeds(t, host, 'remove', 'worker01', '--yes')
    t.strictSame(host.events().slice(before), ['drain worker01', 'delete node worker01'])
    t.strictSame(Object.keys(host.kubeNodes()), ['kubemaster', 'worker02'])
    t.strictSame(host.inventory().domains, ['kubemaster', 'worker02'])
    t.notOk(host.inventory().volumes?.includes('lab-worker01.qcow2'))
    t.notMatch(lab(host, 'known_hosts'), 'worker01')
    t.match(stderr, /node +worker01 \(drain worker01, leave the cluster\)/)
    t.match(stderr, /Next: # take worker01 out of lab.yaml, then:\n +npx zx scripts\/status.ts/)
    const again = await succeeds(t, host, 'remove', 'worker01', '--yes')
    t.match(
      again.stderr,
      '✓ nothing to remove: worker01 is no node of the cluster, and has no machine',
    )
  },
)

await t.test('the first of three servers: etcd, the others, and the kubeconfig', async (t) => {
  const host = await cluster(t, (lab) => (lab.nodes = structuredClone(threeServers)))
  const before = host.events().length
  const { stderr } = await succeeds(t, host, 'remove', 'kubemaster', '--yes')
  t.strictSame(host.events().slice(before), [
    'drain kubemaster',
    'ask kubemaster to leave',
    'delete node kubemaster',
  ])
  const config = (name: string) => host.onNode(name, 'etc/rancher/rke2/config.yaml')
  t.notMatch(config('worker01'), /^(server|token-file):/m, 'it joins nobody now')
  t.match(config('worker02'), /^server: https:\/\/192\.0\.2\.31:9345$/m)
  t.match(lab(host, 'kubeconfig'), 'https://192.0.2.31:6443')
  t.strictSame(host.inventory().domains, ['worker01', 'worker02'])
  t.match(stderr, 'Let others join worker01')
})
