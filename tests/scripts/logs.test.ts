// logs.ts as a real process on a stand-in host.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost, secret, type Result } from '../helpers/fake-host.ts'
import { succeeds } from '../helpers/results.ts'

const host = new FakeHost(t)
host.put('at-once', '')
await succeeds(t, host, 'create')
const key = host.hostText().match(/BEGIN OPENSSH PRIVATE KEY-----\n(\S+)/)?.[1] ?? 'none'
for (const script of ['eject', 'install-rke2', 'join']) await succeeds(t, host, script)
host.save()

/** What tar says of the archive that the run named; its texts by name. */
function unpacked(t: Test, { stdout }: Result): Record<string, string> {
  const archive = join(host.project, stdout.trim())
  t.equal(statSync(archive).mode & 0o777, 0o600)
  t.equal(statSync(join(archive, '..')).mode & 0o777, 0o700)
  const tar = (...words: string[]) => spawnSync('tar', [...words, archive], { encoding: 'utf8' })
  const list = tar('-tzf').stdout.split('\n').filter(Boolean)
  t.match(list[0], /^lab-\d{8}T\d{6}Z\/$/)
  t.notOk(existsSync(`${archive}.part`))
  const files = list.filter((file) => !file.endsWith('/'))
  return Object.fromEntries(
    files.map((file) => {
      const { status, stdout } = spawnSync('tar', ['-xzOf', archive, file], { encoding: 'utf8' })
      t.equal(status, 0, file)
      return [file.replace(/^[^/]*\//, ''), stdout]
    }),
  )
}

const ofHost = [
  'README.txt',
  'doctor.json',
  'lab.yaml',
  'status.json',
  'status.txt',
  'versions.txt',
]
const ofMachine = ['console.log', 'domain.xml', 'domstate.txt', 'snapshots.txt', 'volumes.txt']
const ofGuest =
  'cloud-init.journal system.txt certificates.txt containerd.log containers.txt kubelet.log rke2.journal rke2-last-lines.journal'
const ofCluster = ['kubernetes-events.txt', 'kubernetes-nodes.txt', 'kubernetes-pods.txt']
const inside = (node: string, ...files: string[]) => files.map((file) => `nodes/${node}/${file}`)

await t.test('all of it, without a secret', async (t) => {
  for (const node of ['kubemaster', 'worker01', 'worker02']) {
    const folder = 'var/lib/rancher/rke2/agent'
    host.onNode(
      node,
      `${folder}/containerd/containerd.log`,
      `pulled\nhttp_proxy=http://me:pw3@p:1\n`,
    )
    host.onNode(node, `${folder}/logs/kubelet.log`, 'E1126 a line\n')
    host.onNode(node, `${folder}/bin/none`, '')
    const token = host.read('cluster/token').trim()
    writeFileSync(
      join(host.state, 'nodes', node, 'run/journal'),
      `level=info msg="with ${token}"\n`,
    )
  }
  mkdirSync(join(host.state, 'logs'), { recursive: true })
  host.put('logs/kubemaster.console.log', 'kubemaster login: \r\nCI: password: hidden4\r\n')
  host.writeLab((lab) => (lab.rke2.config = { 'etcd-s3-secret-key': 'hidden5' }))
  const before = host.everything()
  const result = await succeeds(t, host, 'logs')
  const files = unpacked(t, result)
  t.strictSame(
    Object.keys(files).sort(),
    [
      ...ofHost,
      ...['kubemaster', 'worker01', 'worker02'].flatMap((node) =>
        inside(node, ...ofMachine, ...ofGuest.split(' ')),
      ),
      ...inside('kubemaster', ...ofCluster),
    ].sort(),
  )
  const all = Object.values(files).join('\n')
  for (const hidden of [secret, 'pw3', 'hidden4', 'hidden5', key, host.folder + '/home'])
    t.notOk(all.includes(hidden) || result.stderr.includes(hidden), hidden)
  t.match(files['nodes/kubemaster/rke2.journal'], 'level=info msg="with K10[removed]')
  t.match(files['nodes/worker01/containerd.log'], 'http_proxy=http://[removed]@p:1')
  t.match(files['nodes/kubemaster/console.log'], 'kubemaster login:')
  t.match(files['nodes/worker01/kubelet.log'], 'E1126 a line')
  t.match(files['nodes/worker01/domain.xml'], '<name>worker01</name>')
  t.match(files['nodes/worker01/volumes.txt'], /^Name: +lab-worker01\.qcow2$/m)
  t.match(files['nodes/kubemaster/kubernetes-nodes.txt'], 'worker01:True agent v1.36.5+rke2r1')
  t.match(files['lab.yaml'], 'etcd-s3-secret-key: [removed]')
  t.match(files['status.txt'], /^worker01 +agent .* Ready/m)
  t.match(JSON.parse(files['status.json'] ?? ''), {
    lab: 'lab',
    nodes: [{ name: 'kubemaster' }, {}, {}],
  })
  t.match(JSON.parse(files['doctor.json'] ?? ''), { lab: 'lab' })
  t.match(files['versions.txt'], /Node v\d+[^]*OpenSSH[^]*QEMU/)
  t.match(files['README.txt'], 'Missing:\nnothing')

  t.match(result.stdout, /^\.lab\/lab\/logs\/lab-\d{8}T\d{6}Z\.tar\.gz\n$/)
  t.match(
    result.stderr,
    /✓ \d+ files:\n {2}doctor\.json lab\.yaml .*\n {2}nodes\/kubemaster\/: certificates/,
  )
  t.match(result.stderr, 'read it before you post it')
  t.notMatch(result.stderr, 'missing:')
  const after = host.everything()
  const archive = Object.keys(after).filter((file) => !(file in before))
  t.match(archive, [/project\/\.lab\/lab\/logs\/lab-.*\.tar\.gz$/], 'nothing else is new')
  t.strictSame({ ...after, ...before }, after, 'and nothing has changed')
})

await t.test('what does not answer stops nothing else, and is named', async (t) => {
  host.restore()
  host.put('domains/worker02/state', 'shut off\n')
  host.put('failures', 'dumpxml worker01\tcannot acquire state change lock\n')
  const result = await succeeds(t, host, 'logs')
  const files = unpacked(t, result)
  t.ok(files['nodes/worker02/domain.xml'] && files['nodes/worker01/system.txt'])
  t.strictSame(
    Object.keys(files).filter((file) => file.startsWith('nodes/worker02')),
    inside('worker02', ...ofMachine),
  )
  for (const text of [files['README.txt'] ?? '', result.stderr]) {
    t.match(text, 'all from inside: worker02: cannot be reached over SSH')
    t.match(text, 'nodes/worker01/domain.xml: error: cannot acquire state change lock')
    t.match(text, /nodes\/worker01\/kubelet\.log: tail: cannot open/)
  }
})

await t.test('without libvirt the nodes are asked', async (t) => {
  host.restore()
  host.put('no-connection', 'error: failed to connect to the hypervisor\n')
  const result = await succeeds(t, host, 'logs', 'worker01')
  const files = unpacked(t, result)
  t.match(result.stderr, 'missing: everything from libvirt: failed to connect')
  t.ok(files['nodes/worker01/rke2.journal'])
  t.match(files['status.txt'], /^worker01 .* unknown [^]*failed to connect to the hypervisor/m)
  t.strictSame(
    Object.keys(files).filter((file) => file.startsWith('nodes/kubemaster')),
    inside('kubemaster', ...ofCluster),
    'of a server that was not named, what it knows of the cluster',
  )
})

await t.test('before create, and beside a foreign domain', async (t) => {
  const fresh = new FakeHost(t, (lab) => lab.nodes.splice(1))
  const { stderr, code } = await fresh.run('logs')
  t.equal(code, 0, stderr)
  t.match(stderr, 'nodes/kubemaster/domain.xml: the machine is not made')
})

await t.test('a dry run prints what would be read', async (t) => {
  host.restore()
  const before = host.everything()
  const { stdout, calls } = await succeeds(t, host, 'logs', '--dry-run', 'worker01')
  t.strictSame(
    calls.filter((call) => call.startsWith('ssh')),
    [],
  )
  t.match(stdout, '{ virsh -c qemu:///system -q dumpxml worker01\n} || true')
  t.match(stdout, 'agent/logs/kubelet.log')
  t.strictSame(host.everything(), before)
  t.notOk(readdirSync(join(host.project, '.lab/lab')).includes('logs'))
  const check = spawnSync('shellcheck', ['-e', 'SC2016', '-'], { input: stdout, encoding: 'utf8' })
  if (!check.error) t.equal(check.status, 0, check.stdout)
})
