// remove.ts as a real process on a stand-in host.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
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
  await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
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
    t.match(stderr, /Next: # remove worker01 from lab.yaml, then:\n +npx zx scripts\/status.ts/)
    const again = await succeeds(t, host, 'remove', 'worker01', '--yes')
    t.match(
      again.stderr,
      '✓ nothing to remove: worker01 is no node of the cluster, and has no machine',
    )
  },
)

/** A server's Node as another one sees it. */
const setNode = (host: FakeHost, name: string, status: string) =>
  host.put(`cluster/nodes/${name}`, host.read(`cluster/nodes/${name}`).replace(/^\w+/, status))

await t.test('servers of three', async (t) => {
  const host = await cluster(t, (lab) => (lab.nodes = structuredClone(threeServers)))
  const refused = async (t: Test, words: string[], ...texts: (string | RegExp)[]) => {
    const before = host.everything()
    const result = await host.run('remove', words)
    failed(t, result, ...texts)
    return { ...result, isSame: JSON.stringify(host.everything()) === JSON.stringify(before) }
  }

  await t.test('the first one: etcd, what joined through it, and the kubeconfig', async (t) => {
    host.restore()
    const { stderr } = await succeeds(t, host, 'remove', 'kubemaster', '--yes')
    t.strictSame(host.events(), [
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
    host.writeLab((lab) => (lab.nodes = structuredClone(threeServers.slice(1))))
    for (const script of ['install-rke2', 'join']) {
      const { stderr: later } = await succeeds(t, host, script)
      t.match(later, /nothing to do|restart/)
    }
    host.writeLab((lab) => (lab.nodes = structuredClone(threeServers)))
  })

  await t.test('refused while etcd needs it, before anything is changed', async (t) => {
    host.restore()
    setNode(host, 'worker02', 'Unknown')
    const down = await refused(
      t,
      ['worker01', '--yes'],
      'worker01: worker02 is not up, and etcd needs',
    )
    t.ok(down.isSame)
    t.match(down.stderr, 'npx zx scripts/remove.ts worker02 --force')
    setNode(host, 'worker02', 'True')
    host.onNode('worker02', '../../cluster/voters/worker02', 'False\n')
    await refused(t, ['worker01', '--yes'], 'worker02 is not a full member of etcd yet')
  })

  await t.test('RKE2 refuses: it stays a member, and the next run asks again', async (t) => {
    host.restore()
    host.put('refuses-to-leave', '')
    await refused(t, ['worker02', '--yes'], 'worker02: RKE2 refused to remove it from etcd')
    t.strictSame(host.inventory().domains, ['kubemaster', 'worker01', 'worker02'])
    host.forget('refuses-to-leave')
    await succeeds(t, host, 'remove', 'worker02', '--yes')
    t.strictSame(host.inventory().domains, ['kubemaster', 'worker01'])
  })

  await t.test('one that is dead leaves by --force', async (t) => {
    host.restore()
    host.put('domains/worker02/state', 'shut off\n')
    setNode(host, 'worker02', 'Unknown')
    await refused(
      t,
      ['worker02', '--yes'],
      'worker02: it does not answer',
      'npx zx scripts/remove.ts worker02 --force',
    )
    await succeeds(t, host, 'remove', 'worker02', '--yes', '--force')
    t.strictSame(host.events(), ['ask worker02 to leave', 'delete node worker02'])
  })

  await t.test('--dry-run, run by bash, does the same', async (t) => {
    host.restore()
    const script = await printed(t, host, 'remove', 'kubemaster')
    await succeeds(t, host, 'remove', 'kubemaster', '--yes')
    const whole = host.everything()
    host.restore()
    runByBash(t, host, script)
    t.strictSame(host.everything(), whole)
    host.restore()
    host.put('refuses-to-leave', '')
    t.match(runByBash(t, host, script, 1), 'kubemaster: etcd refused to remove it')
  })
})

await t.test('what is refused, and what is asked', async (t) => {
  const host = made
  host.restore()
  failed(t, await host.run('remove', ['kubemaster', '--yes']), 'kubemaster: it is the last server')
  failed(t, await host.run('remove', ['worker01']), 'there is no terminal to ask on')
  const two = await host.run('remove', ['worker01', 'worker02'])
  t.strictSame(two.code, 2)
  t.match(two.stderr, 'remove takes the name of one node, got 2')
  host.put('stuck-node', '')
  failed(
    t,
    await host.run('remove', ['worker01', '--yes']),
    'its Node was not deleted within 120 s',
  )
  host.forget('stuck-node')
  await succeeds(t, host, 'stop', 'kubemaster')
  failed(
    t,
    await host.run('remove', ['worker01', '--yes']),
    'no other server answers',
    'npx zx scripts/start.ts',
  )
  t.strictSame(host.inventory().domains, ['kubemaster', 'worker01', 'worker02'])
})

await t.test('destroy says that a node is still in the cluster, and continues', async (t) => {
  const host = made
  host.restore()
  const { stderr } = await succeeds(t, host, 'destroy', 'worker01', '--yes')
  t.match(stderr, /! cluster: worker01 is still a node of it/)
  t.match(stderr, '# better: npx zx scripts/remove.ts worker01')
  const after = await succeeds(t, host, 'remove', 'worker01', '--yes')
  t.match(after.stderr, 'node     worker01 (leave the cluster)')
  t.strictSame(Object.keys(host.kubeNodes()), ['kubemaster', 'worker02'])
})

await t.test('machines without RKE2 are only destroyed', async (t) => {
  const host = new FakeHost(t)
  await succeeds(t, host, 'create')
  await succeeds(t, host, 'remove', 'worker02', '--yes')
  t.strictSame(host.inventory().domains, ['kubemaster', 'worker01'])
})
