// install-rke2.ts and join.ts when something is wrong. Nodes are folders.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost, version } from '../helpers/fake-host.ts'
import { saidByRke2 } from '../helpers/fixtures.ts'
import { prepare } from '../helpers/prepare.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'
import type { RawLab } from '../helpers/labs.ts'

const pop = (lab: RawLab) => lab.nodes.pop()

const joined = new FakeHost(t, pop, { machines: true })
await prepare(t, joined, 'install-rke2', 'join')
joined.save()
/** A server and a worker that has joined, as they were at first. */
function joinedHost(): FakeHost {
  joined.restore()
  return joined
}

await t.test('another rke2.version is reported as an upgrade, and nothing changes', async (t) => {
  const host = joinedHost()
  const before = host.everything()
  host.writeLab((lab) => {
    pop(lab)
    lab.rke2 = { version: 'v1.37.0+rke2r1' }
  })
  for (const script of ['install-rke2', 'join']) {
    const result = await host.run(script)
    failed(t, result, `✗ kubemaster: it runs RKE2 ${version}, but the lab file says v1.37.0+rke2r1`)
    t.match(result.stderr, `# or set rke2.version back to ${version}`)
    t.strictSame(shown(result), [])
  }
  t.strictSame(host.everything(), before)
})

await t.test('a recreated worker with the same name', async (t) => {
  const host = joinedHost()
  host.boot('worker01', { fresh: true })

  await t.test('while the old Node is Ready, it counts as another machine and stays', async (t) => {
    failed(
      t,
      await host.run('join', ['worker01', '--timeout', '1']),
      '✗ worker01: Kubernetes still has a Ready node with this name after 1 s',
      'another machine seems to use this name; it was not changed',
    )
    t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true })
  })
  await t.test(
    'once it is NotReady, its password and Node are deleted before the new one joins',
    async (t) => {
      const started = host.events().length
      const { code, stderr } = await host.run('join', ['worker01'], {
        onStderr: (text) => {
          if (!text.includes('Kubernetes still reports the old node as Ready')) return
          if (host.events().length === started && host.kubeNodes().worker01)
            host.put('cluster/nodes/worker01', `Unknown agent ${version}\n`)
        },
      })
      t.equal(code, 0, stderr)
      t.strictSame(host.events().slice(started), [
        'delete password of worker01',
        'delete node worker01',
        'start worker01',
        'ready worker01',
      ])
    },
  )
})

await t.test('an agent that runs, but whose Node was deleted, registers again', async (t) => {
  const host = joinedHost()
  rmSync(join(host.state, 'cluster/nodes/worker01'))
  await succeeds(t, host, 'join')
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true })
})

await t.test('Ready from before a restart does not count', async (t) => {
  const host = joinedHost()
  host.onNode('worker01', 'run/rke2-agent', 'failed\n')
  host.onNode('worker01', 'silent', '')
  host.put('heartbeat-worker01', '2026-01-01T00:00:00Z\n') // not in the second of the restart
  failed(
    t,
    await host.run('join', ['--timeout', '5']),
    /✗ worker01: not Ready within 5 s/,
    'last state: service active, its kubelet has not reported yet',
  )
  t.strictSame(
    host.kubeNodes(),
    { kubemaster: true, worker01: true },
    'the cluster still reports it',
  )
  host.repair('worker01', 'silent')
  host.onNode('worker01', 'run/rke2-agent', 'failed\n')
  await succeeds(t, host, 'join')
})

await t.test('all nodes that cannot be asked are named, and nothing changes', async (t) => {
  const host = new FakeHost(t, undefined, { machines: true })
  for (const name of ['kubemaster', 'worker02']) host.put(`domains/${name}/state`, 'shut off\n')
  const install = await host.run('install-rke2')
  failed(t, install, '✗ kubemaster: cannot be reached over SSH: no answer on its address yet')
  t.strictSame(shown(install), [])
  host.boot('kubemaster')
  await succeeds(t, host, 'install-rke2')
  host.put('domains/worker01/state', 'shut off\n')
  const before = host.everything()
  const join = await host.run('join')
  for (const name of ['worker01', 'worker02'])
    failed(t, join, `✗ ${name}: cannot be reached over SSH: no answer`, `scripts/create.ts ${name}`)
  t.strictSame([shown(join), host.everything()], [[], before])
})

await t.test('a first server that is shut off must be started', async (t) => {
  const host = new FakeHost(t, pop)
  await succeeds(t, host, 'create')
  host.put('domains/kubemaster/state', 'shut off\n')
  const install = await host.run('install-rke2')
  failed(t, install, '✗ kubemaster: the machine is off', 'scripts/start.ts kubemaster')
  t.notMatch(install.stderr, 'SSH')
  const join = await host.run('join')
  failed(t, join, '✗ no server to join: kubemaster is off', 'scripts/start.ts kubemaster')
  t.strictSame([...shown(install), ...shown(join)], [])
})

await t.test('others join a server only after it is Ready', async (t) => {
  const host = joinedHost()
  host.put('cluster/nodes/kubemaster', `False server ${version}\n`)
  failed(t, await host.run('join', ['--timeout', '1']), '✗ kubemaster: not Ready within 1 s')
})

await t.test('a failure is reported for each node', async (t) => {
  const host = new FakeHost(t, undefined, { machines: true })
  host.onNode('kubemaster', 'fault', saidByRke2('cis.journal', 'level=fatal'))
  const cis = await host.run('install-rke2')
  failed(t, cis, /✗ kubemaster: profile: cis needs kernel parameters .* \[cis\]/)
  t.match(cis.stderr, 'found in: ssh -F .lab/lab/ssh_config kubemaster sudo journalctl')
  failed(t, await host.run('join'), /✗ kubemaster: profile: cis needs .* \[cis\]/)
  host.repair('kubemaster')
  await succeeds(t, host, 'install-rke2')

  await t.test('one of two agents fails: the other one joins, status 1', async (t) => {
    host.onNode('worker01', 'fault', 'write /var/lib/rancher/x: no space left on device')
    const result = await host.run('join')
    failed(t, result, '✗ worker01: its disk is full [no-space]', /✓ worker02 +\d+ s  Ready/)
    t.strictSame(host.kubeNodes(), { kubemaster: true, worker02: true })
    host.repair('worker01')
    await succeeds(t, host, 'join')
    t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
  })
  await t.test('both fail: both are reported', async (t) => {
    for (const name of ['worker01', 'worker02']) {
      host.boot(name, { fresh: true })
      host.put(`cluster/nodes/${name}`, `Unknown agent ${version}\n`)
    }
    host.onNode('worker01', 'fault', 'invalid token CA hash length')
    host.onNode('worker02', 'free', '1000000000')
    failed(
      t,
      await host.run('join'),
      '✗ worker01: its token is damaged [malformed-token]',
      '✗ worker02: only 954 MiB is free on its disk, but RKE2 needs 3 GiB',
    )
    t.strictSame(host.kubeNodes(), { kubemaster: true, worker02: false })
  })
  await t.test('another node password, another CA', async (t) => {
    host.repair('worker01')
    host.put('cluster/passwords/worker01', 'of another machine')
    failed(t, await host.run('join', ['worker01']), /✗ worker01: the cluster knows .* \[node-pas/)
    host.put('cluster/ca', 'of another cluster\n')
    failed(
      t,
      await host.run('join', ['worker01']),
      '✗ worker01: the CA that https://192.0.2.30:9345 serves is not the one in the token',
    )
  })
})

await t.test('a release with another version is noticed after the installation', async (t) => {
  const host = new FakeHost(t, undefined, { machines: true })
  const other = 'v1.36.5+rke2r9'
  host.makeRelease(other)
  const mirror = (name: string) => join(host.state, 'mirror/rke2', name)
  cpSync(mirror(other), mirror(version), { recursive: true })
  failed(
    t,
    await host.run('install-rke2'),
    `✗ kubemaster: the installed RKE2 is not ${version}`,
    'kubemaster rke2 --version',
  )
  t.strictSame(host.events(), [], 'it was not started')
  host.makeRelease(version)
  rmSync(join(host.folder, 'home/.cache'), { recursive: true })
  await succeeds(t, host, 'install-rke2')
})

await t.test('a wrong release does not reach a node', async (t) => {
  const host = new FakeHost(t, undefined, { machines: true })
  const mirror = join(host.state, 'mirror/rke2', version)
  const sums = readFileSync(join(mirror, 'sha256sum-amd64.txt'), 'utf8')
  writeFileSync(join(mirror, 'sha256sum-amd64.txt'), sums.replace(/^......../, '00000000'))
  failed(
    t,
    await host.run('install-rke2'),
    /rke2\.linux-amd64\.tar\.gz does not have the expected digest/,
  )
  t.notOk(host.callsSoFar().some((call) => call.startsWith('scp')))

  await t.test('nor a local folder that lacks a file', async (t) => {
    const artifacts = { version, artifacts: 'files' }
    host.writeLab((lab) => (lab.rke2 = artifacts))
    mkdirSync(join(host.project, 'files'))
    failed(
      t,
      await host.run('install-rke2'),
      '✗ rke2.artifacts: files lacks install.sh, sha256sum-amd64.txt, rke2.linux',
      'curl -fL -o files/install.sh https://raw.githubusercontent.com/rancher/rke2/',
    )
    for (const name of ['install.sh', 'sha256sum-amd64.txt', 'rke2.linux-amd64.tar.gz'])
      writeFileSync(join(host.project, 'files', name), readFileSync(join(mirror, name)))
    failed(t, await host.run('install-rke2'), 'rke2.linux-amd64.tar.gz does not match the checksum')
    writeFileSync(join(host.project, 'files/sha256sum-amd64.txt'), sums)
    await succeeds(t, host, 'install-rke2')
  })
  await t.test('nor images that the checksum file does not list', async (t) => {
    const host = new FakeHost(t, undefined, { machines: true })
    const mirror = join(host.state, 'mirror/rke2', version)
    writeFileSync(join(mirror, 'rke2-images.linux-amd64.tar.zst'), 'images')
    host.writeLab((lab) => {
      lab.rke2 = { version, images: true }
    })
    failed(
      t,
      await host.run('install-rke2'),
      'sha256sum-amd64.txt has no line for rke2-images.linux-amd64.tar.zst',
      'install.sh would skip such a file silently',
    )
    t.notOk(host.callsSoFar().some((call) => call.startsWith('scp')))
  })
})
