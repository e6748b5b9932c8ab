// From nothing to a cluster with one command; then, on the same guests, each failure that the scripts know by name. RKE2 is
// played by the stand-in in tests/stand-in: shown is that our scripts name what RKE2's journal is known to say.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeRelease } from '../stand-in/release.ts'
import { startRig, version } from './rig.ts'
import { runner } from './runner.ts'
import { workspace } from './workspace.ts'

const rig = await startRig()
t.teardown(() => rig.stop())
const { host, mirror } = rig
const rke2 = { version, mirror: mirror.url, images: false } // without the archive, images must be pulled
const lab = rig.lab({ rke2 })
const work = workspace(host, lab)
t.teardown(() => work.remove())
const { output, script, succeeds, kubectl } = runner(host, work)

async function allReady(t: Test): Promise<void> {
  const list = await kubectl('get', 'nodes')
  for (const node of ['kubemaster', 'worker01', 'worker02'])
    t.match(list, new RegExp(`^${node} +Ready `, 'm'))
}

await t.test('up makes a cluster of three machines from nothing', async (t) => {
  const { stderr } = await succeeds(t, 'up', '--yes')
  const phases = ['doctor', 'create', 'eject', 'install-rke2', 'join']
  t.match(stderr, new RegExp(['PHASE +TOOK', ...phases].join('[^\\n]*\\n *')), 'a summary')
  await allReady(t)
})

await t.test('a second up changes nothing', async (t) => {
  const { stderr } = await succeeds(t, 'up', '--yes')
  t.notMatch(stderr, '  $ ', 'no command was run')
  t.match(stderr, 'nothing to do: every node has joined and is Ready')
})

// What the troubles are made of: shell commands for a guest.
const file = (path: string, text: string) =>
  `sudo install -D -m 755 /dev/stdin ${path} <<EOF\n${text}\nEOF\n`
const config = (text: string) => file('/etc/rancher/rke2/config.yaml.d/test.yaml', text)
const switches = (values: object) => file('/etc/rke2-stand-in.json', JSON.stringify(values))
const standIn = (name: string) => switches({ [name]: true })
const token = (text: string) => `
${config('token-file: /etc/rancher/rke2/other-token')}
${file('/etc/rancher/rke2/other-token', text)}`
const data = '/var/lib/rancher/rke2'
const serverToken = `${data}/server/token`
const uninstall =
  'test ! -e /usr/local/bin/rke2-uninstall.sh || sudo sh /usr/local/bin/rke2-uninstall.sh'
const reset = () => `
sudo date --set @${Date.now() / 1000}
sudo systemctl disable --now rke2-agent rke2-server
sudo iptables --flush OUTPUT
sudo rm -rf /etc/rke2-stand-in.json /etc/rancher/rke2/config.yaml.d /usr/local/bin/uname ${data}
true`

const [kubemaster, worker01, worker02] = lab.nodes as object[]
const asServer = [kubemaster, worker01, { ...worker02, role: 'server' }]

interface Trouble {
  /** What is done on a worker before it joins, and the error that must come. */
  worker01?: [command: string, error: string]
  worker02?: [command: string, error: string]
  /** The same on the server, and the command that undoes it. */
  kubemaster?: [command: string, undo: string]
  lab?: object
}

const workers = ['worker01', 'worker02'] as const
const troubles: Trouble[] = [
  {
    worker01: [token("$(sudo sed 's/[^:]*$/wrong/' /etc/rancher/rke2/token)"), '[wrong-token]'],
    worker02: ['echo other | sudo tee /etc/rancher/node/password', '[node-password]'],
  },
  {
    worker01: [token(`K10${'0'.repeat(64)}::server:password`), '[ca-mismatch]'],
    worker02: [standIn('no-space'), '[no-space]'],
  },
  {
    worker01: [
      'sudo iptables -I OUTPUT -p tcp --dport 9345 -j DROP',
      'worker01: https://192.168.1.30:9345 does not answer from here [unreachable]',
    ],
    worker02: [
      config('server: https://192.168.1.30:9346'),
      'worker02: it cannot reach https://192.168.1.30:9345',
    ],
  },
  {
    worker01: [standIn('clock-skew'), '[clock-skew]'],
    worker02: [standIn('image-pull-fail'), '[image-pull]'],
  },
  {
    // as recorded: a fatal error that nobody foresaw, again every few seconds
    worker01: [
      switches({ 'crash-loop': 'Failed to validate golang version: incorrect golang build' }),
      'Failed to validate golang version: incorrect golang build [keeps-failing]',
    ],
    worker02: [config('kubelet-arg: [no-such-flag=1]'), '[kubelet-exits]'],
  },
  {
    worker01: [standIn('apparmor-missing'), '[apparmor]'],
    worker02: [standIn('cis-missing'), '[cis]'],
  },
  {
    kubemaster: [
      `sudo sed -i.good 's/^K10[0-9a-f]*/K10${'0'.repeat(64)}/' ${serverToken}`,
      `sudo mv ${serverToken}.good ${serverToken}`,
    ],
    worker01: ['true', '[ca-mismatch]'],
    worker02: ['sudo date --set yesterday', '[clock-skew]'],
  },
  {
    lab: { nodes: asServer, rke2: { ...rke2, config: { 'cluster-cidr': '10.99.0.0/16' } } },
    worker02: ['true', '[config-mismatch]'],
  },
  {
    lab: { nodes: asServer },
    worker02: [config('node-name: kubemaster'), '[duplicate-name]'],
  },
  {
    lab: { rke2: { ...rke2, mirror: 'http://192.168.1.1:8099' } }, // nothing listens there
    worker01: [uninstall, 'the server cannot be reached'],
  },
  {
    lab: { rke2: { ...rke2, mirror: `${mirror.url}/no-tarball` } },
    worker01: [uninstall, 'the server does not have it'],
  },
  {
    lab: { rke2: { ...rke2, mirror: `${mirror.url}/tarball` } },
    worker01: [uninstall, 'does not have the expected digest'],
  },
  {
    worker01: [
      `${uninstall}\n${file('/usr/local/bin/uname', '#!/bin/sh\necho riscv64')}`,
      "RKE2 has no build for this machine's processor",
    ],
  },
]

await t.test('each failure is named, with its fix, long before the deadline', async (t) => {
  for (const corrupt of ['tarball', 'no-tarball'] as const)
    await makeRelease(join(rig.served, corrupt), { version, images: false, corrupt })
  await Promise.all(workers.map((node) => work.ssh(node, reset())))
  for (const trouble of troubles) {
    const nodes = workers.filter((node) => trouble[node])
    const errors = nodes.map((node) => trouble[node]?.[1] ?? '')
    await t.test(errors.join(' and '), async (t) => {
      const [before, after] = trouble.kubemaster ?? []
      work.writeLab({ ...lab, ...trouble.lab })
      if (before) await work.ssh('kubemaster', before)
      await Promise.all(nodes.map((node) => work.ssh(node, trouble[node]?.[0] ?? '')))

      const { exitCode, stderr } = await script('join', ...nodes, '--timeout', '600')
      t.equal(exitCode, 1)
      t.notMatch(stderr, 'not Ready within', 'before the deadline')
      const told = stderr.split(/^✗ /m).slice(1)
      for (const error of errors) {
        const found = told.find((text) => text.includes(error))
        if (!t.match(found, 'try: ', `${error}, with what to do`)) t.comment(stderr)
      }

      if (after) await work.ssh('kubemaster', after)
      await Promise.all(nodes.map((node) => work.ssh(node, reset())))
      // Its last Ready must not count; this also fixes a rejected node password.
      await kubectl('delete', 'node', ...nodes, '--ignore-not-found')
      work.writeLab(lab)
    })
  }
})

await t.test('once fixed the workers join, and no process ever shows the token', async (t) => {
  const watch = host.spawn(['sh', '-c', 'while ps axww -o args; do sleep 0.1; done'])
  let processes = ''
  watch.stdout!.on('data', (data) => (processes += data))
  await succeeds(t, 'join')
  host.signal(watch, 'SIGKILL', { group: true })
  await allReady(t)

  const secret = (await work.ssh('kubemaster', `sudo cat ${serverToken}`)).trim()
  t.match(secret, /^K10[0-9a-f]{64}::server:./)
  const password = secret.split(':').at(-1) ?? ''
  t.match(processes, `sudo cat ${serverToken}`, 'they were seen when the token travelled')
  t.notOk(processes.includes(password), 'in no command line')
  t.notOk(output.join('').includes(password), 'in nothing that was printed')
})

// A quarter of the time that was recorded: long enough to look at it.
const slowly = { 'ready-delay': 75, 'node-ready-delay': 30 }

await t.test('pulls that fail while images are imported are no failure', async (t) => {
  work.writeLab({ ...lab, rke2: { ...rke2, images: true } })
  await work.ssh('worker02', `${uninstall}\n${reset()}\n${switches(slowly)}`)
  await kubectl('delete', 'node', 'worker02')
  const { stderr } = await succeeds(t, 'join', 'worker02')
  t.match(stderr, /worker02 .*importing images/)
  const log = await work.ssh('worker02', `sudo cat ${data}/agent/containerd/containerd.log`)
  t.match(log, 'failed to pull image', 'containerd could not pull the pause image meanwhile')
  const journal = await work.ssh('worker02', 'sudo journalctl --unit rke2-agent --output cat')
  t.match(journal, /Importing images from [^]*Imported images from /)
  await allReady(t)
})

await t.test('a restart finds the containers of the start before', async (t) => {
  await work.ssh('worker02', 'sudo systemctl restart rke2-agent')
  const journal = await work.ssh('worker02', 'sudo journalctl --unit rke2-agent --output cat')
  t.match(journal, /Found left-over process \d+ \(containerd-shim\) in control group/)
  await succeeds(t, 'join', 'worker02')
})

await t.test('a server that was cut off in its first start is offered its way back', async (t) => {
  // Without a word to its disk, as soon as the images are unpacked and etcd's database is there.
  const unpacked = 'agent/containerd/io.containerd.metadata.v1.bolt/meta.db'
  const cut = `cd ${data}; until test -e ${unpacked} -a -e server/db/etcd/member/snap/db; do sleep 0.2; done; sleep 0.3; echo b >/proc/sysrq-trigger`
  const prepared = `${uninstall}\n${reset()}\n${switches(slowly)}\nsudo mkdir -p ${data}`
  await work.ssh('kubemaster', `${prepared}\nsudo systemd-run sh -c '${cut}'`)
  const { exitCode, stderr } = await script('install-rke2', '--timeout', '900')
  t.equal(exitCode, 1)
  if (!t.match(stderr, '[damaged-images]')) t.comment(stderr)
  t.notMatch(stderr, 'not Ready within', 'before the deadline')
  const wayBack = stderr
    .split('\n')
    .filter((line) => /^ +(try: )?ssh .*(killall|rm -rf)/.test(line))
  t.match(wayBack.join('\n'), /rke2-killall\.sh[^]*rm -rf \S+/)
  for (const line of wayBack)
    await host.run(['sh', '-c', line.replace(/^ +(try: )?/, '')], work.options)
  await work.ssh('kubemaster', 'sudo rm /etc/rke2-stand-in.json')
  await succeeds(t, 'install-rke2')
  await Promise.all(workers.map((node) => work.ssh(node, reset()))) // they belonged to the cluster before
  await succeeds(t, 'join')
  await allReady(t)
})
