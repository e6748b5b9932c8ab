// What the stand-in says against what RKE2 said (tests/fixtures/rke2-1.35.0): kinds of messages and their order, with names,
// numbers and hashes taken out. A text that no recording has is a mistake here.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { fixture } from '../helpers/fixtures.ts'
import { Node, run } from './nodes.ts'

const here = import.meta.dirname
const recorded = (name: string) => fixture(`rke2-1.35.0/${name}`).split('\n')

/** A line without what differs from one run to the next; `who` is the node and those that it names. */
function kindOf(line: string, who: string[]): string {
  const etcd = /^\{"level":"(\w+)".*?"msg":"(.*?)"/.exec(line)
  const text = etcd ? `etcd ${etcd[1]} ${etcd[2]}` : line.replace(/^time="[^"]*" /, '')
  return who
    .reduce((all, name) => all.replaceAll(name, 'NODE'), text)
    .replace(/\((stand-in|[0-9a-f]{40})\)/, 'BUILD')
    .replace(/v\d+\.\d+\.\d+[+-]rke2r\d+/g, 'VERSION')
    .replace(/[0-9a-f]{8,}/g, 'HEX')
    .replace(/\d+(\.\d+)*(m\d+)?/g, '#')
}

const machines = ['kubemaster', 'server02', 'worker01']
/** What a process of RKE2 said in a recording. */
const kinds = (file: string, pid: number, from = '', to = '') =>
  section(
    recorded(file).flatMap((line) => line.split(` rke2[${pid}]: `)[1] ?? []),
    from,
    to,
  ).map((line) => kindOf(line, machines))
/** What a node of the stand-in said. */
const said = (node: Node, from = '', to = '') =>
  section(node.log.replaceAll(node.root, '').trimEnd().split('\n'), from, to).map((line) =>
    kindOf(line, [...nodes.map(({ name }) => name), ...machines]),
  )

/** From the line with `from` to that with `to`. */
function section(lines: string[], from: string, to: string): string[] {
  const start = lines.findIndex((line) => line.includes(from))
  const end = to ? lines.findIndex((line, i) => i >= start && line.includes(to)) : lines.length - 1
  return lines.slice(start, end + 1)
}
const once = (list: string[]) => list.filter((line, i) => line !== list[i - 1])
/** The import runs beside the rest; each has its own order. */
const isImport = (line: string) => /msg="(Imported|Tagged) /.test(line)
const beside = (list: string[]) => list.filter((line) => !isImport(line))

const nodes: Node[] = []
const node = (name: string, role: 'server' | 'agent') =>
  nodes[nodes.push(new Node(name, role)) - 1]!
const archive = 'var/lib/rancher/rke2/agent/images/rke2-images.linux-amd64.tar.zst'
const withArchive = (one: Node) => {
  mkdirSync(dirname(one.path(archive)), { recursive: true })
  writeFileSync(one.path(archive), 'images')
  return one
}
const up = 'is up and running'
const server = withArchive(node('cp1', 'server'))
const url = `https://${server.address}:9345`

await t.test('a first server', async (t) => {
  await server.start({ 'no-such-key': 1 }, { 'ready-delay': 3 })
  t.ok(await server.until(up))
  t.strictSame(
    said(server, 'Unknown flag')[0],
    kinds('unknown-key.journal', 9556, 'Unknown flag')[0],
  )
  t.strictSame(said(server, 'not running in CIS', up), kinds('server-start.journal', 590, '', up))
  const containerd = await server.read('var/lib/rancher/rke2/agent/containerd/containerd.log')
  const shape = (lines: string[]) =>
    lines.filter(Boolean).map((line) => kindOf(line, ['cp1', ...machines]))
  t.strictSame(
    shape(containerd.split('\n')),
    shape(recorded('import-race.containerd.txt')).slice(0, shape(containerd.split('\n')).length),
    'pods fail for want of images meanwhile',
  )
  t.match(containerd, 'failed to pull image')
})

const agent = withArchive(node('w1', 'agent'))
await t.test('an agent joins while its images are imported, and is restarted', async (t) => {
  const config = { server: url, token: await server.token() }
  await agent.start(config, { 'ready-delay': 3 })
  t.ok(await agent.until('Imported images'))
  t.strictSame(beside(said(agent, 'not running', up)), kinds('agent-join.journal', 640, '', up))
  t.strictSame(said(agent).filter(isImport), kinds('server-start.journal', 590).filter(isImport))

  await agent.stop()
  agent.log = ''
  await agent.start({ ...config, token: 'another' })
  t.ok(await agent.until(up), 'a joined agent does not look at its token')
  const kept = (list: string[]) =>
    list.filter((line) => !isImport(line) && !line.includes('does not include a CA hash'))
  t.strictSame(kept(said(agent, 'not running', up)), kinds('wrong-token.journal', 1142, '', up))
  await agent.stop()
})

await t.test('what agents say when it goes wrong', async (t) => {
  const token = await server.token()
  const again = (name: string) => node(name, 'agent')
  const balancer = 'var/lib/rancher/rke2/agent/etc/rke2-agent-load-balancer.json'
  // Each has been an agent of this server before, as in the recordings.
  const start = async (name: string, config: object, switches = {}, server = url) => {
    const one = again(name)
    await mkdir(dirname(one.path(balancer)), { recursive: true })
    await one.write(balancer, '{}')
    return one.start({ server, token, ...config }, switches)
  }
  const wrongSecret = token.replace(/[^:]*$/, 'wrong')
  const wrongCa = token.replace(/^K10./, 'K10' + (token[3] === 'f' ? '0' : 'f'))
  const dead = `https://${server.address.replace(/\d+$/, '251')}:9345`
  const one = await Promise.all([
    start('w-secret', { token: wrongSecret }),
    start('w-ca', { token: wrongCa }),
    start('w-clock', {}, { 'clock-skew': true }),
    start('w-away', {}, {}, dead),
    start('w-name', { 'node-name': 'w1' }),
    start('w-kubelet', { 'kubelet-arg': ['no-such-flag=x'] }),
  ])
  const [secret, ca, clock, away, name, kubelet] = one as [Node, Node, Node, Node, Node, Node]
  const waits = 'Waiting to retrieve'
  const fails = 'Failed to validate connection'
  for (const [which, fragment, file, pid] of [
    [secret, waits, 'wrong-token-fresh.journal', 4156],
    [ca, fails, 'wrong-ca.journal', 1398],
  ] as const) {
    t.ok(await which.until(fragment))
    t.strictSame(
      once(said(which, 'not running', fragment)),
      once(kinds(file, pid, 'not running', fragment)),
    )
  }
  for (const [which, fragment, file] of [
    [clock, fails, 'clock-behind.journal'],
    [away, 'FAILED from failed dial', 'server-away.journal'],
    [away, 'reset by peer', 'server-away.journal'],
    [name, waits, 'node-password.journal'],
    [kubelet, 'Kubelet exited', 'kubelet-arg.journal'],
  ] as const) {
    t.ok(await which.until(fragment), fragment, { log: which.log })
    const line = recorded(file).find((text) => text.includes(fragment)) ?? ''
    const [, text = ''] = line.split(/rke2\[\d+\]: /)
    t.equal(said(which, fragment)[0], kindOf(text, machines))
  }
  const log = await kubelet.read('var/lib/rancher/rke2/agent/logs/kubelet.log')
  t.strictSame(log.split('\n').slice(0, 2), recorded('kubelet-arg.kubelet.txt').slice(0, 2))
  await Promise.all(one.map((which) => which.stop()))
})

await t.test('what servers say when it goes wrong', async (t) => {
  const cis = await node('cis', 'server').start({ profile: 'cis' }, { 'cis-kernel-is-right': true })
  t.equal(await cis.exit, 1)
  t.strictSame(said(cis), kinds('cis.journal', 5960))
})

await t.test('a further server', async (t) => {
  const joiner = withArchive(node('cp2', 'server'))
  await joiner.start({ server: url, token: await server.token() })
  t.ok(await joiner.until(up))
  const file = 'second-server.journal'
  t.strictSame(
    beside(said(joiner, 'not running', 'Adding member')),
    kinds(file, 663, '', 'Adding member'),
  )
  t.strictSame(
    beside(said(joiner, 'Pod for etcd is synced', up)),
    kinds(file, 1475, 'Pod for etcd is synced', up),
  )
  t.equal(joiner.kubectl('delete', 'node', 'cp2').code, 0)
  await joiner.stop()

  joiner.log = ''
  await joiner.start({ server: url, token: await server.token() }, { 'quorum-wait': 3 })
  t.equal(await joiner.exit, 1)
  const tries = 'Failed to test etcd connection'
  const end = (lines: string[]) => once(lines.filter((line) => /test etcd|level=fatal/.test(line)))
  t.strictSame(
    end(said(joiner, tries)),
    end(kinds('cut-off-first-start.journal', 234, tries)),
    'removed from the cluster, it ends as one whose etcd does not run',
  )
})

await t.test('subcommands, a restore and a restart', async (t) => {
  const rke2 = (...args: string[]) =>
    run(join(here, 'rke2'), args, { RKE2_STAND_IN_ROOT: server.root })
  const config = { 'node-name': 'cp1', disable: ['a', 'b'], 'tls-san': ['c'], cni: 'none' }
  await server.write(
    'etc/rancher/rke2/config.yaml',
    JSON.stringify({ ...config, 'bind-address': server.address }),
  )
  const saved = rke2('etcd-snapshot', 'save', '--name', 'first').err.trimEnd().split('\n')
  const text = recorded('snapshot.txt')
  const flags = (list: string[]) => list.filter((line) => line.includes('Unknown flag'))
  const shape = (list: string[]) =>
    list.map((line) => kindOf(line, ['cp1', 'kubemaster', run('hostname', []).out.trim()]))
  t.equal(flags(saved).filter((line) => line.includes('--disable ')).length, 2, 'one for each item')
  for (const kind of shape(saved))
    t.ok(shape(text).includes(kind.replace('bind-address', 'node-ip')), kind)
  t.match(saved.at(-1), /Snapshot first-.* saved/)
  const [head, row] = rke2('etcd-snapshot', 'ls').out.split('\n')
  t.equal(
    head?.replace(/ +/g, ' '),
    text.find((line) => line.startsWith('Name'))?.replace(/ +/g, ' '),
  )

  await server.stop()
  const snapshot = /file:\/\/(\S+)/.exec(row ?? '')?.[1]
  const restored = rke2('server', '--cluster-reset', `--cluster-reset-restore-path=${snapshot}`)
  t.equal(restored.code, 0, 'done, and says so by an error')
  const end = (list: string[]) =>
    list.filter((line) => line.includes('Shutdown request')).map((line) => kindOf(line, []))
  t.strictSame(end(restored.err.split('\n')), end(recorded('restore.txt')))

  server.log = ''
  await server.start({})
  t.ok(await server.until(up))
  const synced = 'Pod for kube-apiserver is synced'
  t.strictSame(
    beside(said(server, 'not running', synced)),
    kinds('power-cut.journal', 235, '', synced),
  )
  const api = 'Kube API server is now running'
  t.strictSame(beside(said(server, api, up)), beside(kinds('upgrade.journal', 20700, api, up)))
  await server.stop()
})

await t.test(
  'a power cut after an import leaves empty images, and nothing heals by itself',
  async (t) => {
    const unpacked =
      'var/lib/rancher/rke2/agent/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs/usr/local/bin/etcd'
    await truncate(server.path(unpacked), 0)
    for (const _ of [1, 2]) {
      server.log = ''
      await server.start({})
      t.equal(await server.exit, 1)
      t.strictSame(said(server), kinds('cut-off-first-start.journal', 234))
    }
    await rm(server.path('var/lib/rancher/rke2/server/db'), { recursive: true })
    await rm(server.path('var/lib/rancher/rke2/agent/containerd'), { recursive: true })
    server.log = ''
    await server.start({})
    t.ok(await server.until(up), 'without its images and its data it begins again')
    t.match(server.log, 'Imported images from')
    await server.stop()
  },
)

await t.test('a memory of the images spares the next import', async (t) => {
  const memory = 'var/lib/rancher/rke2/agent/images/.cache.json'
  await writeFile(server.path(memory), '')
  for (const imports of [true, false]) {
    server.log = ''
    await server.start({})
    t.ok(await server.until(up))
    t.equal(server.log.includes('Importing images'), imports)
    if (imports) t.ok(await server.until('Imported images'))
    await server.stop()
  }
  t.ok(existsSync(server.path(memory)))
})
