// rke2.vip with install-rke2, join, status, upgrade and remove as real processes on a stand-in host.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost } from '../helpers/fake-host.ts'
import { killAfterEachCall } from '../helpers/kill.ts'
import { makeLab, type RawLab } from '../helpers/labs.ts'
import { prepare } from '../helpers/prepare.ts'
import { printed, runByBash } from '../helpers/printed.ts'
import { failed, idle, shown, succeeds } from '../helpers/results.ts'

t.setTimeout(600_000)
const vip = '192.0.2.29'
const servers = ['kubemaster', 'worker01']
const several = (lab: RawLab) => lab.nodes.slice(1, 2).forEach((node) => (node.role = 'server'))
const shared = (lab: RawLab) => {
  several(lab)
  lab.rke2.vip = vip
}
const there = 'var/lib/rancher/rke2/server/manifests/kube-vip.yaml'
const configOf = (host: FakeHost, node: string) => host.onNode(node, 'etc/rancher/rke2/config.yaml')
const kubeconfigOf = (host: FakeHost) =>
  readFileSync(join(host.project, '.lab/lab/kubeconfig'), 'utf8')
const made = async (t: Test, change: (lab: RawLab) => unknown, ...scripts: string[]) => {
  const host = new FakeHost(t, change)
  await prepare(t, host, 'create', 'eject', ...scripts)
  host.put(`network/${vip}`, 'open')
  return host
}
const vipOf = async (t: Test, host: FakeHost) => {
  const { stdout } = await succeeds(t, host, 'status', '--json')
  return (JSON.parse(stdout) as { vip?: object }).vip
}

await t.test('servers and agents join through it, and kubectl uses it', async (t) => {
  const host = await made(t, shared)
  const { stderr, calls } = await succeeds(t, host, 'install-rke2')
  t.match(stderr, 'rke2.vip cannot move: that takes three servers, and this lab has 2')
  t.match(host.onNode('kubemaster', there), `value: ${vip}\n`)
  const at = (text: string) => calls.findIndex((call) => call.includes(text))
  t.ok(at('ip neighbour') < at('kube-vip.yaml.new'), 'nobody has it')
  t.ok(at('kube-vip.yaml.new') < at('start --no-block'), 'the manifest is there before the start')
  t.ok(at('start --no-block') < at('9345/ping'), 'it answers')
  t.match(kubeconfigOf(host), `server: https://${vip}:6443`)

  await succeeds(t, host, 'join')
  t.notMatch(configOf(host, 'kubemaster'), 'server:')
  for (const node of ['worker01', 'worker02'])
    t.match(configOf(host, node), `\nserver: https://${vip}:9345\n`)
  for (const node of servers) {
    t.match(configOf(host, node), `  - ${vip}\n`)
    t.equal(host.onNode(node, there), host.onNode('kubemaster', there), 'alike on all')
  }
  t.equal(host.onNode('worker02', there), '', 'an agent has none')
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')

  t.strictSame(await vipOf(t, host), {
    address: vip,
    holders: ['kubemaster'],
    api: true,
    join: true,
    remark: null,
  })
  const { stdout } = await succeeds(t, host, 'status')
  t.match(stdout, `rke2.vip ${vip}: held by kubemaster, answers on 6443 and 9345`)
  host.put(`network/${vip}`, 'mute')
  t.match(
    await vipOf(t, host),
    {
      holders: ['kubemaster'],
      api: false,
      join: false,
      remark: '6443 and 9345 do not answer',
    },
    'open ports that say nothing',
  )
  host.onNode('worker01', 'run/vip', `${vip}\n`)
  host.forget(`network/${vip}`)
  t.match(await vipOf(t, host), {
    holders: servers,
    api: false,
    remark:
      'kubemaster and worker01 have it, and only one of them may; 6443 and 9345 do not answer',
  })
})

await t.test('the printed scripts do the same', async (t) => {
  const host = await made(t, shared)
  for (const script of ['install-rke2', 'join']) runByBash(t, host, await printed(t, host, script))
  t.match(kubeconfigOf(host), `server: https://${vip}:6443`)
  t.match(configOf(host, 'worker02'), `server: https://${vip}:9345`)
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
})

await t.test('killed anywhere and run again', async (t) => {
  await killAfterEachCall(t, 'install-rke2', (t) => made(t, shared), {
    cuts: [],
    only: /kube-vip|systemctl \w+ (--no-block )?rke2|kubeconfig/,
    least: 2,
  })
})

await t.test('an address that something else has starts nothing, an agent too', async (t) => {
  const host = await made(t, shared)
  const macOf = (name: string) => makeLab(shared).nodes.find((node) => node.name === name)!.mac
  mkdirSync(join(host.state, 'neighbours'))
  for (const mac of ['02:00:00:00:00:01', macOf('worker02')]) {
    host.put(`neighbours/${vip}`, mac)
    failed(t, await host.run('install-rke2'), `something else has the address ${vip} (MAC ${mac})`)
    t.strictSame(host.events(), [])
  }
  host.put(`neighbours/${vip}`, macOf('worker01'))
  await succeeds(t, host, 'install-rke2')
})

await t.test(
  'a file of the same name is refused, and an object that it would have too',
  async (t) => {
    const host = await made(t, shared)
    const folder = join(host.project, 'rke2/manifests')
    mkdirSync(folder, { recursive: true })
    const text = (name: string) =>
      `apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: ${name}, namespace: kube-system }\n`
    writeFileSync(join(folder, 'kube-vip.yaml'), text('x'))
    const result = await host.run('install-rke2')
    t.equal(result.code, 2)
    t.match(result.stderr, 'kube-vip.yaml: this file is made from rke2.vip in the lab file')
    t.strictSame(shown(result), [])
    rmSync(join(folder, 'kube-vip.yaml'))
    writeFileSync(join(folder, 'mine.yaml'), text('kube-vip'))
    t.match(
      (await host.run('install-rke2')).stderr,
      'ServiceAccount kube-system kube-vip is in mine.yaml too',
    )
  },
)

await t.test(
  'new to a cluster: refused until every certificate holds it; and removed',
  async (t) => {
    const host = await made(t, several, 'install-rke2', 'join')
    host.writeLab(shared)
    for (const script of ['install-rke2', 'join']) {
      const result = await host.run(script)
      failed(
        t,
        result,
        `rke2.vip ${vip} is new to this cluster: the certificate of kubemaster and worker01`,
      )
      t.match(result.stderr, `instead of rke2.vip for now: rke2: { config: { tls-san: [${vip}] } }`)
      t.strictSame(shown(result), [])
    }
    host.writeLab((lab) => {
      several(lab)
      lab.rke2.config = { 'tls-san': [vip] }
    })
    for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
    host.writeLab(shared)
    for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
    for (const node of ['worker01', 'worker02'])
      t.match(configOf(host, node), `server: https://${vip}:9345`)
    t.match(kubeconfigOf(host), `server: https://${vip}:6443`)
    for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')

    host.writeLab(several)
    const { stderr } = await succeeds(t, host, 'install-rke2')
    t.match(stderr, 'kube-vip.yaml is removed from kubemaster')
    await succeeds(t, host, 'join')
    for (const node of ['worker01', 'worker02'])
      t.match(configOf(host, node), 'server: https://192.0.2.30:9345')
    t.notMatch(servers.map((node) => configOf(host, node)).join(), vip)
    t.match(kubeconfigOf(host), 'server: https://192.0.2.30:6443')
    for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
  },
)

await t.test('a single server takes it at once; others then join', async (t) => {
  const host = await made(t, several, 'install-rke2')
  host.writeLab(shared)
  failed(t, await host.run('join'), 'the certificate of kubemaster does not hold it')
  await succeeds(t, host, 'install-rke2')
  await succeeds(t, host, 'join')
  t.match(configOf(host, 'worker01'), `server: https://${vip}:9345`)
})

await t.test('an agent joins by it while the first server is off', async (t) => {
  const host = await made(
    t,
    (lab) => {
      shared(lab)
      lab.nodes[2]!.role = 'server'
      lab.nodes.push({ name: 'worker03', role: 'agent', address: '192.0.2.33' })
    },
    'install-rke2',
  )
  await succeeds(t, host, 'join', 'worker01', 'worker02')
  host.put('domains/kubemaster/state', 'shut off\n')
  host.forget('network/192.0.2.30')
  host.put('cluster/nodes/kubemaster', 'Unknown server v1.36.5+rke2r1\n')
  await succeeds(t, host, 'join', 'worker03')
  t.match(configOf(host, 'worker03'), `server: https://${vip}:9345`)
  t.equal(host.kubeNodes().worker03, true)
})

await t.test('a first server made again joins by it', async (t) => {
  const host = await made(t, shared, 'install-rke2', 'join')
  host.forget('nodes/kubemaster')
  failed(t, await host.run('install-rke2'), 'the cluster already exists on worker01')
  host.put('cluster/nodes/kubemaster', 'Unknown server v1.36.5+rke2r1\n')
  await succeeds(t, host, 'join', 'kubemaster')
  t.match(configOf(host, 'kubemaster'), `server: https://${vip}:9345`)
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
})

await t.test('it leaves a server before that is upgraded or removed', async (t) => {
  const host = await made(t, shared, 'install-rke2', 'join')
  host.makeRelease('v1.36.6+rke2r1')
  host.writeLab((lab) => {
    shared(lab)
    lab.rke2.version = 'v1.36.6+rke2r1'
  })
  await succeeds(t, host, 'upgrade')
  const at = (text: string) => host.events().lastIndexOf(text)
  for (const node of servers) {
    t.ok(at(`kube-vip of ${node} ends`) > -1, node)
    t.ok(at(`kube-vip of ${node} ends`) < at(`start ${node}`), node)
  }
  t.equal(at('kube-vip of worker02 ends'), -1)
  const { calls } = await succeeds(t, host, 'remove', 'kubemaster', '--yes')
  t.ok(at('kube-vip of kubemaster ends') > at('start kubemaster'))
  const read = calls.filter((call) => call.includes('cat /etc/rancher/rke2/rke2.yaml'))
  t.match(read, [/ worker01 /], 'the kubeconfig of the next server')
  t.ok(at('kube-vip of kubemaster ends') < at('ask kubemaster to leave'))
  t.match(kubeconfigOf(host), `server: https://${vip}:6443`)
})

const other = '192.0.2.28'
const sanOnly = (lab: RawLab) => {
  several(lab)
  lab.rke2.config = { 'tls-san': [vip] }
}

await t.test('another address is as new as the first one', async (t) => {
  const host = await made(t, shared, 'install-rke2', 'join')
  host.writeLab((lab) => {
    shared(lab)
    lab.rke2.vip = other
  })
  for (const script of ['install-rke2', 'join']) {
    const result = await host.run(script)
    failed(t, result, `rke2.vip ${other} is new to this cluster: the certificate of kubemaster and`)
    t.strictSame(shown(result), [])
  }
})

await t.test('a server that cannot be asked is no reason to take an address', async (t) => {
  const host = await made(t, several, 'install-rke2', 'join')
  host.writeLab(shared)
  host.put('domains/worker01/state', 'shut off\n')
  for (const [script, ...names] of [['install-rke2'], ['join', 'worker02']] as const) {
    const result = await host.run(script, names)
    failed(t, result, 'is new to this cluster, and worker01 cannot be asked', 'start.ts worker01')
    t.strictSame(shown(result), [])
  }
})

await t.test('an address that was in certificates alone, of a load balancer', async (t) => {
  const host = await made(t, sanOnly, 'install-rke2', 'join')
  host.writeLab(shared)
  const result = await host.run('join')
  failed(t, result, 'the servers do not have the kube-vip.yaml of the lab file', 'install-rke2.ts')
  t.match(result.stderr, 'if the address is that of your own load balancer')
  t.strictSame(shown(result), [])
  mkdirSync(join(host.state, 'neighbours'))
  host.put(`neighbours/${vip}`, '02:00:00:00:00:01')
  failed(t, await host.run('install-rke2'), 'something else has', 'your own load balancer')
  host.put('nodes/kubemaster/run/no-neighbours', '')
  failed(t, await host.run('install-rke2'), 'the node does not tell who has the address')
  t.equal(host.onNode('kubemaster', there), '')
  await succeeds(t, host, 'remove', 'kubemaster', '--yes')
  t.match(kubeconfigOf(host), 'server: https://192.0.2.31:6443', 'nobody holds the address')
})

await t.test('while it does not answer, no run has nothing to do', async (t) => {
  const host = await made(t, shared, 'install-rke2', 'join')
  host.put(`network/${vip}`, 'mute')
  host.put('vip-silent', '')
  host.put('vip-pods', 'kube-vip-k2x9p   0/1   ImagePullBackOff   0   61s\n')
  for (const script of ['install-rke2', 'join', 'install-rke2']) {
    const result = await host.run(script, ['--timeout', '4'])
    failed(t, result, `rke2.vip ${vip} did not answer within 4 s`, 'kube-vip: ImagePullBackOff')
  }
  host.forget('vip-silent')
  await succeeds(t, host, 'install-rke2')
  host.put(`network/${vip}`, 'open')
  for (const script of ['install-rke2', 'join']) await idle(t, host, script, 'nothing to do')
})

const backedUp = async (t: Test, change: (lab: RawLab) => unknown) => {
  const host = new FakeHost(t, change, { machines: true })
  host.put('at-once', '')
  await prepare(t, host, 'install-rke2', 'join', 'backup')
  return host
}

await t.test(
  'restore is refused where nobody would hold it; without the key it is not',
  async (t) => {
    const host = await backedUp(t, sanOnly)
    host.writeLab(shared)
    const result = await host.run('restore', ['--yes'])
    failed(t, result, 'kubemaster and worker01 do not have the kube-vip.yaml', 'take rke2.vip out')
    t.strictSame(shown(result), [])
    host.writeLab(sanOnly)
    await succeeds(t, host, 'restore', '--yes')
  },
)

await t.test('restore: a server whose kube-vip is killed gives the address back', async (t) => {
  const host = await backedUp(t, shared)
  host.forget('nodes/kubemaster/run/vip')
  host.put('nodes/worker01/run/vip', `${vip}\n`)
  await succeeds(t, host, 'restore', '--yes')
  t.equal(host.onNode('worker01', 'run/vip'), '')
  t.match(host.onNode('kubemaster', 'run/vip'), vip)
  t.match(configOf(host, 'worker01'), `server: https://${vip}:9345`)
})
