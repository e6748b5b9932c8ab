// upgrade.ts as real processes on a stand-in host.
import t, { type Test } from 'tap'
import { FakeHost, version } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, shown, succeeds } from '../helpers/results.ts'

const old = 'v1.35.7+rke2r1'
type Change = (lab: RawLab) => unknown

/** A cluster with the older version, and a lab file that names the newer one. */
async function cluster(t: Test, change: Change = () => {}) {
  const host = new FakeHost(t, (lab) => (change(lab), (lab.rke2.version = old)), { machines: true })
  host.makeRelease(old)
  host.add('sleep', 'true') // of a printed script
  await prepare(t, host, 'install-rke2', 'join')
  host.writeLab(change)
  host.save()
  return host
}
const versions = (host: FakeHost) =>
  Object.fromEntries(
    Object.keys(host.kubeNodes()).map((name) => [
      name,
      host.read(`cluster/nodes/${name}`).trim().split(' ').at(-1),
    ]),
  )
const names = ['kubemaster', 'worker01', 'worker02']
const all = (version: string) => Object.fromEntries(names.map((name) => [name, version]))
const one = (name: string) => [
  `drain ${name}`,
  `start ${name}`,
  `ready ${name}`,
  `uncordon ${name}`,
]
const fault = 'extracting data: error writing to /x: write /x: no space left on device'
const made = await cluster(t)

await t.test('servers first, then agents, each drained; then there is nothing to do', async (t) => {
  const host = made
  host.restore()
  const { stderr, calls } = await succeeds(t, host, 'upgrade')
  t.strictSame(versions(host), all(version))
  t.strictSame(host.events(), names.flatMap(one))
  t.match(stderr, /Snapshot of etcd on kubemaster: before-v1-36-5[^]*Upgrade kubemaster/)
  t.equal(calls.filter((call) => /^curl .*tar\.gz$/.test(call)).length, 1, 'downloaded once')
  t.match(stderr, 'Next: npx zx scripts/status.ts')
  await idle(t, host, 'upgrade', `nothing to do: every node runs RKE2 ${version}`)
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
})

await t.test(
  'a node that does not come back: what is new, what is old, and how to go on',
  async (t) => {
    const host = made
    host.restore()
    host.onNode('worker01', 'fault', fault)
    const broken = await host.run('upgrade')
    failed(
      t,
      broken,
      '✗ worker01: its disk is full [no-space]',
      `at ${version}: kubemaster`,
      'stopped at worker01',
      `still at ${old}: worker02`,
      'continues: npx zx scripts/upgrade.ts',
      'tutorials/30-upgrade.md, "The way back"',
    )
    t.strictSame(versions(host), { kubemaster: version, worker01: old, worker02: old })
    t.ok(host.read('cluster/cordoned/worker01') === '', 'no pods come to it meanwhile')

    host.repair('worker01')
    const before = host.events().length
    const { stderr } = await succeeds(t, host, 'upgrade')
    t.notMatch(stderr, 'etcd-snapshot', 'that one would not be of before')
    t.strictSame(host.events().slice(before), [
      'ready worker01',
      'uncordon worker01',
      ...one('worker02'),
    ])
    t.strictSame(versions(host), all(version))
  },
)

await t.test('the first server does not come back: the way continues from there', async (t) => {
  const host = made
  host.restore()
  host.onNode('kubemaster', 'fault', fault)
  const stops = [`stopped at kubemaster`, `still at ${old}: worker01, worker02`]
  failed(t, await host.run('upgrade'), ...stops)
  failed(t, await host.run('upgrade'), 'its disk is full', ...stops)
  host.repair('kubemaster')
  await succeeds(t, host, 'upgrade')
  t.strictSame(versions(host), all(version))
  await idle(t, host, 'upgrade', 'nothing to do')
})

await t.test('refused before anything changes', async (t) => {
  const host = made
  const refused = async (...texts: (string | RegExp)[]) => {
    const before = host.everything()
    const result = await host.run('upgrade')
    failed(t, result, ...texts)
    t.strictSame(shown(result), [])
    t.strictSame(host.everything(), before)
    host.restore()
  }
  host.restore()
  host.writeLab((lab) => (lab.rke2.version = 'v1.37.0+rke2r1'))
  await refused(
    `✗ kubemaster runs RKE2 ${old}: on the way to v1.37.0+rke2r1 no minor version may be skipped`,
    'set rke2.version to the newest v1.36',
  )
  host.writeLab((lab) => (lab.rke2.version = 'v1.34.9+rke2r1'))
  await refused('that would be a downgrade', 'an older minor version cannot use', `back to ${old}`)
  host.put('cluster/nodes/worker02', `False agent ${old}\n`)
  await refused('✗ worker02: it is not Ready', 'try: npx zx scripts/start.ts worker02')
  host.onNode('worker01', 'free', '1000000000')
  host.onNode('worker02', 'free', '1000000000')
  await refused('✗ worker01: only 954 MiB is free', '✗ worker02: only 954 MiB is free')
  host.put('domains/worker01/state', 'shut off\n')
  await refused('✗ worker01: cannot be reached over SSH')
  host.put('domains/kubemaster/state', 'shut off\n')
  await refused('no server of this lab runs RKE2 yet')
})

await t.test('before an upgrade, install-rke2 and join point to it', async (t) => {
  const host = made
  host.restore()
  for (const script of ['install-rke2', 'join'])
    failed(t, await host.run(script), 'that is an upgrade', 'try: npx zx scripts/upgrade.ts')
})

await t.test('a drain that fails: nothing of the node has changed', async (t) => {
  const host = made
  host.restore()
  host.put('drain-fails', 'error when evicting pods/"web" -n "default": global timeout reached')
  failed(
    t,
    await host.run('upgrade'),
    '✗ kubemaster: its pods did not all leave within 120 s',
    'npx zx scripts/upgrade.ts --no-drain',
    'stopped at kubemaster',
  )
  t.strictSame(versions(host), all(old))
  const { stderr } = await succeeds(t, host, 'upgrade', '--no-drain')
  t.notMatch(stderr, / (drain|cordon|uncordon) /)
  t.strictSame(versions(host), all(version))
})

await t.test('a node that the user has cordoned stays cordoned', async (t) => {
  const host = made
  host.restore()
  host.cordon('worker01')
  await succeeds(t, host, 'upgrade')
  t.notOk(host.events().includes('uncordon worker01'))
  t.strictSame(versions(host), all(version))
})

await t.test(
  'charts that do not end are a warning; they are waited for after uncordon',
  async (t) => {
    const host = made
    host.restore()
    host.put('cluster/jobs', 'helm-install-rke2-canal 1\nhelm-install-rke2-coredns \n')
    const { stderr } = await succeeds(t, host, 'upgrade', '--timeout', '15')
    t.match(stderr, /uncordon kubemaster[^]*installing charts: helm-install-rke2-coredns\n/)
    t.match(stderr, '! kubemaster: its charts are not all installed yet: ssh')
  },
)

await t.test('one node alone is not drained; what changes with the version is said', async (t) => {
  const host = await cluster(t, (lab) => (lab.nodes.length = 1))
  host.onNode(
    'kubemaster',
    'var/lib/rancher/rke2/server/manifests/rke2-ingress-nginx.yaml',
    'kind: HelmChart\n',
  )
  host.put(
    'cluster/metrics',
    'apiserver_requested_deprecated_apis{group="example.org",removed_release="1.36",resource="things",version="v1beta1"} 1\n',
  )
  const { stderr } = await succeeds(t, host, 'upgrade')
  t.match(stderr, '! things of example.org/v1beta1 are still requested, and v1.36 removes that API')
  t.match(stderr, '! this cluster keeps ingress-nginx')
  t.strictSame(host.events().slice(-2), ['start kubemaster', 'ready kubemaster'])
  t.strictSame(versions(host), { kubemaster: version })
})

await t.test('three servers: one at a time, before the agents', async (t) => {
  const host = await cluster(t, (lab) => {
    lab.nodes[1]!.role = 'server'
    lab.nodes[2]!.role = 'server'
    lab.nodes.unshift({ name: 'agent01', role: 'agent', address: '192.0.2.34' })
  })
  const before = host.events().length
  await succeeds(t, host, 'upgrade')
  t.strictSame(host.events().slice(before), [...names, 'agent01'].flatMap(one))
})

await t.test('--dry-run, run by bash, does the same', async (t) => {
  const host = made
  host.restore()
  await succeeds(t, host, 'upgrade')
  const whole = host.everything()
  host.restore()
  host.put('at-once', '')
  runByBash(t, host, await printed(t, host, 'upgrade'))
  t.strictSame(host.everything(), whole)
  host.forget('at-once')
  t.match(await printed(t, host, 'upgrade'), '# nothing to do')
})

await t.test('the whole lab is saved first, and put back when that is wanted', async (t) => {
  const host = new FakeHost(t, (lab) => (lab.rke2.version = old))
  host.makeRelease(old)
  await prepare(t, host, 'create', 'eject', 'install-rke2', 'join')
  host.writeLab()
  const refused = await host.run('upgrade', ['--rollback'])
  failed(t, refused, 'there is no snapshot called before-v1-36-5', 'snapshot.ts list')
  const { stderr, changes } = await succeeds(t, host, 'upgrade', '--snapshot')
  t.match(stderr, /Save before-v1-36-5[^]*Wait for the agents[^]*Upgrade kubemaster/)
  t.equal(changes.filter((call) => call.includes('snapshot-create-as')).length, 3)
  t.strictSame(versions(host), all(version))
  await succeeds(t, host, 'upgrade', '--rollback', '--yes')
  for (const name of names)
    t.match(host.onNode(name, 'usr/local/bin/rke2'), old, `${name} has the programs of before`)

  const again = await succeeds(t, host, 'upgrade', '--snapshot', '--dry-run')
  t.match(again.stderr, '! not saved again: there is before-v1-36-5, saved 20')
  t.notMatch(again.stdout, 'snapshot-create-as')
  host.forget('domains/worker01/snapshots/before-v1-36-5')
  const half = await succeeds(t, host, 'upgrade', '--snapshot', '--dry-run')
  t.equal(half.stdout.match(/snapshot-create-as/g)?.length, 3, 'what was cut off is no way back')
})
