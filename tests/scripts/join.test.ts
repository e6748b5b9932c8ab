// install-rke2.ts and join.ts as real processes. Nodes are folders, in which bash runs what the scripts send.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeHost, secret, version } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { failed, idle, succeeds } from '../helpers/results.ts'

await t.test('from nothing to a cluster; the second run has nothing to do', async (t) => {
  const mirrored = (lab: RawLab) => (lab.rke2.mirror = 'http://mirror.test/rke2')
  const host = new FakeHost(t, mirrored, { machines: true })
  host.put('processes', '')
  const output: string[] = []
  const run = async (script: string, ...words: string[]) => {
    const result = await succeeds(t, host, script, ...words)
    output.push(result.stdout, result.stderr, ...result.calls)
    return result
  }

  const install = await run('install-rke2', '--verbose')
  t.strictSame(host.kubeNodes(), { kubemaster: true })
  t.match(install.stderr, /kubemaster +\d+ s  service activating\n/)
  t.match(install.stderr, 'Next: npx zx scripts/join.ts')
  const kubeconfig = join(host.project, '.lab/lab/kubeconfig')
  t.equal(statSync(kubeconfig).mode & 0o777, 0o600)
  t.match(readFileSync(kubeconfig, 'utf8'), 'server: https://192.0.2.30:6443')
  await idle(t, host, 'install-rke2', `nothing to do: kubemaster runs RKE2 ${version}`)

  await run('join', '--verbose')
  t.strictSame(host.kubeNodes(), { kubemaster: true, worker01: true, worker02: true })
  t.equal(host.everything()['stand-in/nodes/worker01/etc/rancher/rke2/token']?.slice(0, 3), '600')
  await idle(t, host, 'join', 'nothing to do: every node has joined and is Ready')

  await t.test('a node that is added later: no other node is touched', async (t) => {
    host.writeLab((lab) => {
      mirrored(lab)
      lab.nodes.push({ name: 'worker03', role: 'agent', address: '192.0.2.33' })
    })
    host.boot('worker03')
    const others = () =>
      Object.entries(host.everything()).filter(([file]) => !file.includes('worker03'))
    const before = others()
    const { calls } = await run('join', 'worker03')
    t.strictSame(host.kubeNodes(), {
      kubemaster: true,
      worker01: true,
      worker02: true,
      worker03: true,
    })
    t.notOk(calls.some((call) => /worker0[12]/.test(call)))
    t.notOk(
      calls.some((call) => call.startsWith('curl')),
      'the release is on the host already',
    )
    t.strictSame(others(), before)
  })

  await t.test('the token is in no call, process, output or file of the host', (t) => {
    const token = host.onNode('worker03', 'etc/rancher/rke2/token')
    t.match(token, new RegExp(`^K10[0-9a-f]{64}::server:${secret}\n$`))
    const seen = [...output, ...host.callsSoFar(), host.read('processes'), host.hostText()]
    t.notOk(seen.some((text) => text.includes(secret)))
    t.match(
      host.read('processes'),
      'systemctl start --no-block rke2-agent',
      'processes were recorded',
    )
    t.end()
  })
})

await t.test('three servers: one at a time, then the agents', async (t) => {
  const threeServers = (lab: RawLab) => {
    lab.nodes[1]!.role = 'server'
    lab.nodes[2]!.role = 'server'
    lab.nodes.unshift({ name: 'agent01', role: 'agent', address: '192.0.2.34' })
  }
  const host = new FakeHost(t, threeServers, { machines: true })
  await succeeds(t, host, 'install-rke2')
  await succeeds(t, host, 'join')
  const names = ['kubemaster', 'worker01', 'worker02', 'agent01']
  t.strictSame(
    host.events(),
    names.flatMap((name) => [`start ${name}`, `ready ${name}`]),
  )
  await idle(t, host, 'join', 'nothing to do')

  await t.test(
    'a recreated first server joins the others and starts no second cluster',
    async (t) => {
      host.boot('kubemaster', { fresh: true })
      host.put('cluster/nodes/kubemaster', `Unknown server ${version}\n`)
      failed(
        t,
        await host.run('install-rke2'),
        '✗ kubemaster: it is new, but the cluster already exists on worker01 and worker02',
        'try: npx zx scripts/join.ts kubemaster',
      )
      await succeeds(t, host, 'join', 'kubemaster')
      t.strictSame(host.kubeNodes().kubemaster, true)
      t.match(
        host.onNode('kubemaster', 'etc/rancher/rke2/config.yaml'),
        'server: https://192.0.2.31:9345',
      )
    },
  )

  await t.test(
    'a node joins a server that is Ready, not the first one that only runs',
    async (t) => {
      host.boot('agent01', { fresh: true })
      host.put('cluster/nodes/agent01', `Unknown agent ${version}\n`)
      host.put('cluster/nodes/kubemaster', `False server ${version}\n`)
      await succeeds(t, host, 'join', 'agent01')
      t.match(host.onNode('agent01', 'etc/rancher/rke2/config.yaml'), 'server: https://192.0.2.31:')
      t.strictSame(host.kubeNodes().agent01, true)
    },
  )
})
