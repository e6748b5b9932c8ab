// The stand-in itself, run on loopback as plain processes. This proves nothing about RKE2; recorded.test.ts compares what it
// says with what RKE2 said.
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { diagnose } from '../../lib/rke2/journal.ts'
import { makeLab, nodeOf } from '../helpers/labs.ts'
import { get, net, Node, run, top, works } from './nodes.ts'
import { makeRelease, type Release } from './release.ts'

const here = import.meta.dirname
const version = 'v1.35.7+rke2r1'

const first = new Node('cp1', 'server')
const url = `https://${first.address}:9345`
const api = `https://${first.address}:6443`
const up = 'is up and running'

await t.test('a first server makes a full token, a kubeconfig and its tools', async (t) => {
  await first.start({
    'tls-san': ['cp1.lab'],
    'write-kubeconfig-mode': '0640',
    'cluster-init': true,
  })
  t.ok(await first.until(up), 'ready', { log: first.log })
  t.match(
    first.log,
    /level=warning msg="Unknown flag --cluster-init found in config.yaml, skipping/,
  )

  const token = await first.token()
  const [status, ca] = await get(`${url}/cacerts`)
  t.equal(status, 200)
  const hash = createHash('sha256').update(ca).digest('hex')
  t.match(token, new RegExp(`^K10${hash}::server:[0-9a-f]{32}$`))

  const mode = async (path: string) => ((await stat(first.path(path))).mode & 0o777).toString(8)
  t.equal(await mode('var/lib/rancher/rke2/server/token'), '600')
  t.equal(await mode('etc/rancher/rke2/rke2.yaml'), '640')
  t.match(await readlink(first.path('var/lib/rancher/rke2/server/node-token')), /server\/token$/)
  t.ok(existsSync(first.path('var/lib/rancher/rke2/server/db/etcd/member/wal')))
  t.match(await first.read('etc/rancher/rke2/rke2.yaml'), /name: default/)
  t.ok(await first.ready('cp1'))
  t.match(first.kubectl('get', 'nodes').out, /cp1 +Ready +control-plane,etcd/)
})

await t.test('port 9345 asks for credentials as RKE2 does, 6443 for a certificate', async (t) => {
  const password = (await first.token()).split(':').at(-1) ?? ''
  const code = async (path: string, auth?: string) =>
    (await get(url + path, auth ? { auth } : {}))[0]
  t.strictSame(await get(`${url}/ping`), [200, 'pong'])
  t.equal(await code('/v1-rke2/config'), 403)
  t.equal(await code('/v1-rke2/config', 'node:wrong'), 401)
  t.equal(await code('/v1-rke2/config', `node:${password}`), 200)
  t.equal(await code('/v1-rke2/config', `server:${password}`), 403)
  t.strictSame(await get(`${url}/v1-rke2/readyz`, { auth: `node:${password}` }), [200, 'ok'])
  t.equal(await code('/v1-rke2/server-bootstrap', `node:${password}`), 403)
  t.equal(await code('/v1-rke2/server-bootstrap', `server:${password}`), 200)
  t.equal(await code('/v1-rke2/serving-kubelet.crt', `node:${password}`), 400, 'no node password')
  t.match(first.log, /Failed to authenticate request/)
  t.equal((await get(`${api}/readyz`))[0], 401)
  t.equal(first.kubectl('get', '--raw', '/readyz').out, 'ok\n')
})

const agent = new Node('w1', 'agent')
await t.test('an agent joins, is lost, is deleted and comes back', async (t) => {
  const config = { server: url, token: await first.token() }
  await agent.start({ ...config, 'node-label': ['disk=fast'] }, { 'never-node-ready': true })
  t.ok(await agent.until(up), 'ready', { log: agent.log })
  t.ok(await first.ready('w1', 'False'))
  await agent.write('etc/rke2-stand-in.json', '{}')
  t.ok(await first.ready('w1'))
  t.match(first.kubectl('get', 'nodes').out, /w1 +Ready +<none>/)
  const node = JSON.parse(first.kubectl('get', 'node', 'w1', '-o', 'json').out)
  t.equal(node.metadata.labels.disk, 'fast')

  await agent.stop()
  t.ok(await first.ready('w1', 'Unknown'), 'a silent node is NotReady')
  await agent.start(config)
  t.ok(await first.ready('w1'))
  t.equal(first.kubectl('delete', 'node', 'w1').code, 0)
  t.ok(await agent.until('nodes \\"w1\\" not found'), 'a running agent does not register again')
  t.equal(first.kubectl('get', 'secret', '-n', 'kube-system', 'w1.node-password.rke2').code, 1)
  await agent.stop()
  await agent.start(config)
  t.ok(await first.ready('w1'))
})

const kubectl = works('kubectl', 'version', '--client') ? {} : { skip: 'kubectl is not installed' }
await t.test('the real kubectl is content with the API', kubectl, async (t) => {
  const env = { KUBECONFIG: first.path('etc/rancher/rke2/rke2.yaml'), HOME: top }
  const kubectl = (...args: string[]) => run('kubectl', args, env)
  const wide = kubectl('get', 'nodes', '-o', 'wide').out
  t.match(
    wide,
    new RegExp(`w1 +Ready +<none> +\\S+ +v\\S+ +${agent.address.replaceAll('.', '\\.')} `),
  )
  t.match(kubectl('wait', '--for=condition=Ready', 'node/w1', '--timeout=10s').out, 'condition met')
  t.equal(kubectl('cordon', 'w1').code, 0)
  t.equal(kubectl('drain', 'w1', '--ignore-daemonsets', '--delete-emptydir-data').code, 0)
  t.equal(kubectl('uncordon', 'w1').code, 0)
  t.equal(kubectl('label', 'node', 'w1', 'a=b').code, 0)
  t.match(kubectl('describe', 'node', 'w1').out, /a=b/)
  t.match(kubectl('get', 'pods', '-A').out, /kube-system +etcd-cp1 +1\/1 +Running/)
  const manifest = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    data: { a: 'b' },
  }
  await writeFile(join(top, 'c.json'), JSON.stringify(manifest))
  t.match(kubectl('apply', '-f', join(top, 'c.json')).out, 'configmap/c created')
  t.match(kubectl('get', 'cm', 'c', '-o', 'jsonpath={.data.a}').out, /^b$/)
  t.match(kubectl('delete', '-f', join(top, 'c.json')).out, 'deleted')
  const page = (name: string) => join(here, '../../tutorials/manifests', `${name}.yaml`)
  t.equal(kubectl('apply', '-f', page('secret'), '-f', page('deployment')).code, 0)
  t.equal(kubectl('get', 'secret', 'database', '-o', 'jsonpath={.data.username}').out, 'bGFi')
  const wanted = () => kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}').out
  t.match(kubectl('scale', 'deployment', 'web', '--replicas=5').out, 'scaled')
  t.match(kubectl('apply', '-f', page('deployment'), '--dry-run=server').out, 'server dry run')
  t.equal(wanted(), '5', 'a dry run stores nothing')
  t.equal(kubectl('apply', '-f', page('deployment')).code, 0)
  t.equal(wanted(), '3')
})

await t.test('each cause of failure shows its words in the journal', async (t) => {
  const token = await first.token()
  const short = token.split(':').at(-1)
  const other = token.replace(/^K10.{64}/, `K10${'0'.repeat(64)}`)
  const dead = `https://${net}.250:9345`
  // prettier-ignore
  const cases: [string, 'server' | 'agent', object, object, string[]][] = [
    ['no token', 'agent', { server: url }, {}, ['level=fatal', '--token is required']],
    ['no server', 'agent', { token }, {}, ['level=fatal', '--server is required']],
    ['http', 'agent', { server: url.replace('s', ''), token }, {}, ['only https:// URLs']],
    ['malformed', 'agent', { server: url, token: 'K10abc::x' }, {}, ['invalid token CA hash length']],
    ['unreachable', 'agent', { server: dead, token }, {}, ['failed to get CA certs', ':6444', 'connection reset']],
    ['6443', 'agent', { server: api, token }, {}, ['failed to get CA certs', '401 Unauthorized']],
    ['other CA', 'agent', { server: url, token: other }, {}, ['token CA hash does not match']],
    ['password', 'agent', { server: url, token: 'wrong' }, {}, [
      'token does not include a CA hash', 'failed to retrieve configuration from server: not authorized']],
    ['same name', 'agent', { server: url, token, 'node-name': 'w1' }, {}, ['Node password rejected']],
    ['clock', 'agent', { server: url, token }, { 'clock-skew': true }, [
      'x509: certificate has expired or is not yet valid']],
    ['pull', 'agent', { server: url, token }, { 'image-pull-fail': true }, [
      'failed to get runtime image']],
    ['space', 'agent', { server: url, token }, { 'no-space': true }, ['no space left on device']],
    ['never ready', 'server', {}, { 'never-ready': true }, ['Polling for API server readiness']],
    ['crash', 'server', {}, { 'crash-loop': 'Failed to validate' }, [
      'level=fatal msg="Failed to validate"']],
    ['cis', 'server', { profile: 'cis' }, { 'cis-missing': true }, [
      'invalid kernel parameter value']],
    ['cis user', 'server', { profile: 'cis' }, { 'cis-kernel-is-right': true }, [
      String.raw`level=fatal msg="missing required: user: unknown user etcd\nmissing required: group`]],
    ['token file', 'agent', { server: url, 'token-file': '/gone' }, { 'token-wait': 0.5 }, [
      'Waiting for /gone to be available', 'Timeout while trying to read the file']],
    ['kubelet', 'agent', { server: url, token, 'kubelet-arg': ['no-such-flag=1'] }, {}, [
      'Running kubelet', 'level=error msg="Kubelet exited: exit status 1"']],
    ['join password', 'server', { server: url, token: 'wrong' }, {}, [
      'Skipping cluster configuration validation', 'server-bootstrap: 401 Unauthorized']],
    ['join CA', 'server', { server: url, token: other }, {}, ['token CA hash does not match']],
    ['mismatch', 'server', { server: url, token, 'cluster-cidr': '10.9.0.0/16' }, {}, [
      'critical configuration mismatched: cluster-cidr', 'critical configuration value mismatch']],
    ['mismatch servicelb', 'server', { server: url, token, 'enable-servicelb': true }, {}, [
      'critical configuration mismatched: disable-service-lb']],
    ['same server', 'server', { server: url, token: short, 'node-name': 'cp1' }, {}, [
      'duplicate node name found']],
  ]
  await Promise.all(
    cases.map(async ([name, role, config, switches, fragments]) => {
      const node = await new Node(name.replace(' ', '-'), role).start(
        { ...config },
        { ...switches },
      )
      for (const fragment of fragments)
        t.ok(await node.until(fragment), `${name}: ${fragment}`, { log: node.log })
      if (node.log.includes('level=fatal')) t.equal(await node.exit, 1, `${name} exits`)
      else t.equal(node.process?.exitCode, null, `${name} keeps trying`)
      await node.stop()
    }),
  )
  const apparmor = new Node('apparmor', 'server')
  await apparmor.start({}, { 'apparmor-missing': true })
  t.ok(await apparmor.until('Pod for etcd not synced'))
  t.match(
    await apparmor.read('var/lib/rancher/rke2/agent/containerd/containerd.log'),
    'apparmor_parser',
  )
  await apparmor.write('etc/rke2-stand-in.json', '{}')
  t.ok(await apparmor.until(up), 'a fault fixed while it runs')
  await apparmor.stop()
  const proxy = new Node('proxy', 'server')
  await proxy.start({}, { 'kube-proxy-waits': true, 'never-ready': true })
  const waits =
    'Waiting to retrieve kube-proxy configuration; server is not ready: https://127.0.0.1:9345/v1-rke2/readyz: 503 Service Unavailable'
  t.ok(await proxy.until(waits), 'as newer sources have it')
  const full = 'level=error msg="no space left on device"'
  const lines = proxy.log.split('\n').filter((line) => line.includes(waits))
  const cause = diagnose([full, ...lines].join('\n'), '', { node: nodeOf(makeLab()) })
  t.equal(cause?.id, 'no-space', 'no progress')
  await proxy.write('etc/rke2-stand-in.json', '{}')
  t.ok(await proxy.until(up))
  await proxy.stop()
})

await t.test('a second server shares the state and takes over', async (t) => {
  const second = new Node('cp2', 'server')
  await second.start({ server: url, token: await first.token() })
  t.ok(await second.until(up), 'ready', { log: second.log })
  t.ok(await first.ready('cp2'))
  t.equal(await second.token(), await first.token())
  t.match(second.kubectl('get', 'nodes').out, /cp1 +Ready.*\ncp2 +Ready +control-plane,etcd.*\nw1/)

  await first.stop()
  t.ok(await second.ready('cp1', 'Unknown'))
  t.ok(await second.ready('w1'), 'the agent found the other server')
  await first.start({})
  t.ok(await first.ready('cp1'))
  const started = Date.now()
  t.equal(first.kubectl('delete', 'node', 'cp2').code, 0)
  t.ok(Date.now() - started > 1500, 'the Node of a server goes when etcd has let go of it')
  t.ok(await second.until('Failed to test etcd connection'))
  t.equal(second.process?.exitCode, null, 'it keeps running without etcd')
  t.equal(second.kubectl('get', 'nodes').code, 1)
  await second.stop()
  await second.start({ server: url, token: await first.token() })
  t.equal(await second.exit, 1, 'it cannot come back with its old data')
  const { out: said } = run('sh', [
    '-c',
    `cat ${second.path('var/log/pods')}/*etcd-cp2_*/etcd/*.log`,
  ])
  t.match(said, /the member has been permanently removed from the cluster"[^]*must be removed"/)
  const cause = diagnose(second.log, said, { node: nodeOf(makeLab()) })
  t.equal(cause?.id, 'removed-member', 'our scripts take it from there')
})

await t.test('of two servers that join together, one waits for the other', async (t) => {
  const lead = new Node('lead', 'server')
  await lead.start({}, { pods: true })
  t.ok(await lead.until(up))
  const config = { server: `https://${lead.address}:9345`, token: await lead.token() }
  const both = [new Node('cp3', 'server'), new Node('cp4', 'server')]
  await Promise.all(both.map((node) => node.start(config, { 'ready-delay': 3 })))
  for (const node of both) t.ok(await node.until(up), 'ready', { log: node.log })
  const waits =
    'level=info msg="Waiting for other members to finish joining etcd cluster: etcdserver: too many learner members in cluster"'
  t.equal(both.filter(({ log }) => log.includes(waits)).length, 1)
  await lead.stop()
  t.ok(await lead.ready('lead', 'Unknown'), 'its API asks the others')
  t.ok(await lead.ready('cp3'))
  await killPods(lead)
  await Promise.all(both.map((node) => node.stop()))
})

await t.test(
  'token create and etcd-snapshot ask the running server; a snapshot is restored',
  async (t) => {
    const env = { RKE2_STAND_IN_ROOT: first.root }
    const rke2 = (...args: string[]) => run(join(here, 'rke2'), args, env)
    t.match(rke2('--version').out, /^rke2 version v\S+ .*\ngo version /)
    const token = rke2('token', 'create', '--ttl', '1h').out.trim()
    t.match(token, /^K10[0-9a-f]{64}::[0-9a-f]{6}\.[0-9a-f]{16}$/)
    const guest = await new Node('w2', 'agent').start({ server: url, token })
    t.ok(await guest.until(up), 'ready', { log: guest.log })
    await guest.stop()
    t.match(rke2('etcd-snapshot', 'save', '--name', 'a').err, /Snapshot a-.* saved/)
    const saved = /^a-\S+ file:\/\/(\S+)/m.exec(rke2('etcd-snapshot', 'ls').out)?.[1]
    t.equal(first.kubectl('delete', 'node', 'w1').code, 0)
    await first.stop()
    const restore = ['--cluster-reset', `--cluster-reset-restore-path=${saved}`]
    t.match(rke2('server', ...restore).err, 'membership has been reset')
    await first.start({})
    t.ok(await first.ready('cp1'))
    t.equal(first.kubectl('get', 'node', 'w1').code, 0, 'the snapshot has it')
  },
)

await t.test('a snapshot of another machine is restored with its token only', async (t) => {
  const saved = first.path('var/lib/rancher/rke2/server/db/snapshots')
  const [name = ''] = await readdir(saved)
  const snapshot = `--cluster-reset-restore-path=${join(saved, name)}`
  const again = new Node('cp1', 'server', 'cp1-again')
  await again.start({})
  t.ok(await again.until(up))
  const rke2 = (...args: string[]) =>
    run(join(here, 'rke2'), args, { RKE2_STAND_IN_ROOT: again.root })
  const reset = (...more: string[]) => rke2('server', '--cluster-reset', snapshot, ...more)
  t.match(reset().err, /level=fatal.*address already in use/)
  await again.stop()
  const other = /level=fatal.*bootstrap data already found and encrypted with different token/
  t.match(reset().err, other)
  await rm(again.path('var/lib/rancher/rke2/server'), { recursive: true })
  t.match(reset().err, /level=fatal.*token does not exist, please pass --token/)
  await again.write('password', `${(await first.token()).replace(/.*:/, '')}\n`)
  const config = { 'node-name': 'cp1', 'bind-address': again.address, 'node-ip': again.address }
  const configure = (more: object) =>
    again.write('etc/rancher/rke2/config.yaml', JSON.stringify({ ...config, ...more }))
  await configure({ server: 'https://192.0.2.1:9345', token: 'x' })
  const withToken = `--token-file=${again.path('password')}`
  t.match(reset(withToken).err, /level=fatal.*cannot perform cluster-reset while server URL is set/)
  await configure({})
  t.match(reset(withToken).err, 'membership has been reset')
  again.log = ''
  await again.start({})
  t.ok(await again.until(up))
  t.ok(await again.ready('cp1'))
  t.equal(again.kubectl('get', 'node', 'w1').code, 0, 'the snapshot has it')
  t.equal(await again.token(), await first.token())
  t.match(rke2('etcd-snapshot', 'save', '--name', 'b').err, /Snapshot b-.* saved/)
  const [made = ''] = await readdir(again.path('var/lib/rancher/rke2/server/db/snapshots'))
  t.match(rke2('etcd-snapshot', 'delete', made).err, `Snapshot ${made} deleted.`)
  await again.stop()
})
await t.test(
  'another version counts from the restart on, in the kubelet, the API and the charts',
  async (t) => {
    const node = new Node('up1', 'server')
    const install = async (version: string) => {
      const folder = join(top, `release-${version}`)
      await mkdir(join(folder, 'bin'), { recursive: true })
      await mkdir(join(folder, 'share/rke2'), { recursive: true })
      await symlink(here, join(folder, 'share/rke2/stand-in'))
      node.program = join(folder, 'bin/rke2')
      const text = await readFile(join(here, 'rke2'), 'utf8')
      await writeFile(node.program, text.replace(/^VERSION = '.*?'/m, `VERSION = '${version}'`))
      await chmod(node.program, 0o755)
    }
    const seen = () => [
      JSON.parse(node.kubectl('get', 'node', 'up1', '-o', 'json').out).status.nodeInfo
        .kubeletVersion,
      JSON.parse(node.kubectl('get', '--raw', '/version').out).gitVersion,
    ]
    const jobs = () =>
      node.kubectl(
        'get',
        'jobs',
        '--namespace',
        'kube-system',
        '--output',
        'jsonpath={range .items[*]}{.metadata.name} {.status.succeeded}{"\\n"}{end}',
      ).out
    await install(version)
    await node.start({})
    t.ok(await node.until(up), 'ready', { log: node.log })
    t.ok(await node.ready('up1'))
    t.strictSame(seen(), [version, version])
    const end = Date.now() + 30_000
    while (!jobs().includes('rke2-coredns 1') && Date.now() < end) await sleep(200)
    t.match(jobs(), /^helm-install-rke2-canal 1\nhelm-install-rke2-coredns 1\n/)

    const newer = 'v1.36.5+rke2r1'
    await install(newer)
    t.strictSame(seen(), [version, version], 'it still runs')
    t.equal(node.kubectl('cordon', 'up1').code, 0)
    await node.stop()
    node.log = ''
    await node.start({})
    t.ok(await node.until(up), 'ready', { log: node.log })
    await sleep(1000)
    t.strictSame(seen(), [newer, newer])
    t.match(jobs(), /^helm-install-rke2-canal *\n/, 'charts wait for a server that takes pods')
    t.equal(node.kubectl('uncordon', 'up1').code, 0)
    const later = Date.now() + 30_000
    while (!jobs().includes('rke2-coredns 1') && Date.now() < later) await sleep(200)
    t.match(jobs(), /^helm-install-rke2-canal 1\n/)
    await node.stop()
  },
)

await t.test('a network plugin whose file is gone, a certificate that has expired', async (t) => {
  const node = new Node('net1', 'server')
  await node.start({})
  t.ok((await node.until(up)) && (await node.ready('net1')), 'ready', { log: node.log })
  const conflist = node.path('etc/cni/net.d/10-canal.conflist')
  await rename(conflist, `${conflist}.away`)
  t.ok(await node.ready('net1', 'False'))
  const [, pod = ''] =
    /kube-system +(rke2-canal-\S+)/.exec(node.kubectl('get', 'pods', '-A').out) ?? []
  t.equal(node.kubectl('delete', 'pod', '--namespace', 'kube-system', pod).code, 0)
  t.ok(await node.ready('net1'), 'its pod writes it again')

  const tls = (name: string) => node.path(`var/lib/rancher/rke2/server/tls/${name}`)
  const openssl = (...words: string[]) => t.equal(run('openssl', words).code, 0, words.join(' '))
  const [request, file] = [join(top, 'request'), tls('client-admin.crt')]
  const before = await readFile(file, 'utf8')
  openssl('req', '-new', '-key', tls('client-admin.key'), '-subj', '/CN=a', '-out', request)
  const by = ['-CA', tls('client-ca.crt'), '-CAkey', tls('client-ca.key'), '-days', '0']
  openssl('x509', '-req', '-in', request, ...by, '-out', file)
  await sleep(1500)
  const config = await node.read('etc/rancher/rke2/rke2.yaml')
  const encode = (text: string) => Buffer.from(text).toString('base64')
  const old = encode(await readFile(file, 'utf8'))
  await node.write('etc/rancher/rke2/rke2.yaml', config.replace(encode(before), old))
  t.match(node.kubectl('get', 'nodes').err, 'You must be logged in to the server (Unauthorized)')
  await node.stop()
  node.log = ''
  await node.start({})
  t.ok(await node.until(up))
  t.equal(node.kubectl('get', 'nodes').code, 0, 'a start makes it again')
  await node.stop()
})

await t.test('pods stay when the service is stopped, until they are killed', async (t) => {
  const node = new Node('pods', 'server')
  await node.start({}, { pods: true })
  t.ok(await node.until(up))
  t.ok(await node.ready('pods'))
  await node.stop()
  t.ok(await node.ready('pods', 'Unknown'), 'the API answers, and loses the kubelet')
  t.equal(node.kubectl('cordon', 'pods').code, 0)
  t.equal((await get(`https://${node.address}:9345/ping`))[0], 0)
  const pid = (await node.read('run/k3s/stand-in/etcd-pods')).trim()
  t.equal(
    await readFile(`/proc/${pid}/comm`, 'utf8'),
    'containerd-shim\n',
    'as systemd names it: a left-over process',
  )
  await node.start({}, { pods: true, 'crash-loop': 'x' })
  t.equal(await node.exit, 1)
  t.match(node.kubectl('get', 'nodes').out, /pods +NotReady,SchedulingDisabled/, 'still there')
  node.log = ''
  await node.start({}, { pods: true })
  t.ok(await node.until(up), 'ready', { log: node.log })
  t.ok(await node.ready('pods'))
  t.match(node.kubectl('get', 'nodes').out, /pods +Ready,SchedulingDisabled/)
  await node.stop()
  t.equal(
    (await node.read('run/k3s/stand-in/etcd-pods')).trim(),
    pid,
    'the next start takes it over',
  )
  t.equal((await killPods(node)).code, 0)
  const isGone = async () => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) === ''
  for (let i = 0; i < 50 && !(await isGone()); i++) await sleep(100)
  t.ok(await isGone())
  t.equal(node.kubectl('get', 'nodes').code, 1, 'and nothing answers')
})

await t.test('an agent-token is for agents alone; a power cut empties files', async (t) => {
  const node = new Node('agent-token', 'server')
  await node.start({ 'agent-token': 'for-agents' })
  t.ok(await node.until(up))
  const token = await node.token()
  const code = async (path: string, auth: string) =>
    (await get(`https://${node.address}:9345/v1-rke2/${path}`, { auth }))[0]
  t.equal(await code('config', 'node:for-agents'), 200)
  t.equal(await code('config', `node:${token.split(':').at(-1)}`), 401)
  t.equal(await code('server-bootstrap', 'server:for-agents'), 401)
  await node.stop()

  const lost = ['token', 'tls/server-ca.crt', 'tls/client-ca.key']
  for (const file of lost) await node.write(`var/lib/rancher/rke2/server/${file}`, '')
  node.log = ''
  await node.start({ 'agent-token': 'for-agents' })
  t.ok(await node.until(up), 'its datastore has them', { log: node.log })
  t.equal(await node.token(), token)
  await node.stop()
  const key = 'var/lib/rancher/rke2/server/tls/client-admin.key'
  await node.write(key, '')
  node.log = ''
  await node.start({ 'agent-token': 'for-agents' })
  t.equal(await node.exit, 1)
  t.match(
    node.log,
    'level=fatal msg="Error: preparing server: tls: failed to find any PEM data in key input"',
  )
  await rm(node.path(key))
  t.match(
    run(join(here, 'rke2'), ['certificate', 'rotate'], { RKE2_STAND_IN_ROOT: node.root }).err,
    'Successfully backed up certificates to',
  )
  await node.start({ 'agent-token': 'for-agents' })
  t.ok(await node.until(up), 'certificates and keys that are gone are made again', {
    log: node.log,
  })
  await node.stop()
  await node.write('etc/rancher/node/password', '')
  node.log = ''
  await node.start({ 'agent-token': 'for-agents' })
  t.ok(await node.until('node password not set'))
  await node.stop()
})

async function killPods({ root }: Node) {
  const bin = join(top, 'bin')
  await fakeRoot(bin)
  const env = { RKE2_STAND_IN_ROOT: root, PATH: `${bin}:${process.env.PATH}` }
  return run('sh', [join(here, 'rke2-killall.sh')], env)
}

/** Lets this user be root, for scripts that ask for it. */
async function fakeRoot(bin: string): Promise<void> {
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'id'), '#!/bin/sh\necho ${FAKE_UID:-0}\n')
  await chmod(join(bin, 'id'), 0o755)
}

await t.test('the installer has the exit codes of the real one', async (t) => {
  const bin = join(top, 'bin')
  const install = async (name: string, release: Partial<Release>, env: NodeJS.ProcessEnv = {}) => {
    const [mirror, prefix, root] = ['mirror', 'prefix', 'root'].map((x) => join(top, name, x))
    await makeRelease(String(mirror), { version, ...release })
    await fakeRoot(bin)
    const done = run('sh', [join(String(mirror), version, 'install.sh')], {
      PATH: `${bin}:${process.env.PATH}`,
      INSTALL_RKE2_ARTIFACT_PATH: join(String(mirror), version),
      INSTALL_RKE2_TAR_PREFIX: prefix,
      INSTALL_RKE2_SKIP_RELOAD: '1',
      RKE2_STAND_IN_ROOT: root,
      ...env,
    })
    const has = (path: string) => existsSync(join(top, name, path))
    return { ...done, has, prefix: String(prefix), root: String(root) }
  }
  const image = 'root/var/lib/rancher/rke2/agent/images/rke2-images.linux-amd64.tar.zst'
  const amd64 = process.arch === 'x64' ? {} : { skip: 'amd64 only' }

  await t.test('installed, run and removed', amd64, async (t) => {
    const good = await install('good', {})
    t.equal(good.code, 0, 'done', { err: good.err })
    t.match(good.out, '[INFO]  verifying tarball')
    t.match(run(join(good.prefix, 'bin/rke2'), ['--version']).out, `rke2 version ${version} `)
    t.ok(good.has(image))
    for (const role of ['server', 'agent']) {
      const unit = join(good.root, `etc/systemd/system/rke2-${role}.service`)
      t.match(await readFile(unit, 'utf8'), /Type=notify[^]*TimeoutStartSec=0[^]*RestartSec=5s/)
    }
    const remove = join(good.prefix, 'bin/rke2-uninstall.sh')
    const removed = run('sh', [remove], {
      RKE2_STAND_IN_ROOT: good.root,
      PATH: `${bin}:${process.env.PATH}`,
    })
    t.equal(removed.code, 0, 'done', { err: removed.err })
    t.notOk(good.has('prefix/bin/rke2') || good.has('root/var/lib/rancher/rke2'))
  })
  await t.test('refused or silently less', amd64, async (t) => {
    const spoilt = await install('spoilt', { corrupt: 'tarball' })
    t.equal(spoilt.code, 1)
    t.match(spoilt.err, /\[ERROR\] {2}download sha256 does not match/)
    t.notOk(spoilt.has('prefix/bin/rke2'))
    t.ok(spoilt.has(image), 'the images were installed before')
    t.equal((await install('unlisted', { corrupt: 'unlisted-tarball' })).code, 1)
    for (const corrupt of ['no-tarball', 'no-sums'] as const) {
      const missing = await install(corrupt, { corrupt })
      t.equal(missing.code, 1)
      t.match(missing.err, 'cannot stat')
      t.notMatch(missing.err, '[ERROR]')
    }
    const silent = await install('silent', { corrupt: 'unlisted-images' })
    t.equal(silent.code, 0)
    t.notOk(silent.has(image), 'images without a line in the sum file are not installed')
    const user = await install('user', {}, { FAKE_UID: '1000' })
    t.equal(user.code, 1)
    t.match(user.err, '[ERROR]  You need to be root')
  })
  await t.test('from a mirror', amd64, async (t) => {
    const script = `
import http.server, sys
handler = http.server.SimpleHTTPRequestHandler
handler.log_message = lambda *_: None
server = http.server.ThreadingHTTPServer(('${net}.200', 0), handler)
print(server.server_port, flush=True)
server.serve_forever()`
    await makeRelease(join(top, 'served'), { version })
    const server = spawn('python3', ['-c', script], { cwd: join(top, 'served') })
    t.teardown(() => server.kill())
    const port = await new Promise<string>((done) =>
      server.stdout.once('data', (data: Buffer) => done(data.toString().trim())),
    )
    const base = `http://${net}.200:${port}`
    const online = {
      INSTALL_RKE2_ARTIFACT_PATH: '',
      INSTALL_RKE2_ARTIFACT_URL: base,
      no_proxy: '*',
    }
    const good = await install('online', {}, { ...online, INSTALL_RKE2_VERSION: version })
    t.equal(good.code, 0, 'done', { err: good.err })
    t.match(good.out, `${base}/v1.35.7%2Brke2r1/rke2.linux-amd64.tar.gz`)
    const lost = await install('lost', {}, online)
    t.equal(lost.code, 22, 'the code of curl')
    t.match(lost.out, 'using stable as release')
  })
})

await t.test('shell and Python are sound', async (t) => {
  const shellcheck = works('shellcheck', '--version') ? {} : { skip: 'shellcheck is not installed' }
  await t.test('shellcheck', shellcheck, async (t) => {
    const scripts = ['install.sh', 'rke2-killall.sh', 'rke2-uninstall.sh']
    t.doesNotThrow(() => execFileSync('shellcheck', scripts, { cwd: here }))
  })
})
