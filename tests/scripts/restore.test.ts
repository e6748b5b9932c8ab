// restore.ts as a real process: on the machines of the backup, on new ones, with several servers, and when it is refused.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeHost, secret, version } from '../helpers/fake-host.ts'
import type { RawLab } from '../helpers/labs.ts'
import { prepare } from '../helpers/prepare.ts'
import { runByBash } from '../helpers/printed.ts'
import { failed, shown, succeeds } from '../helpers/results.ts'

const old = 'deployment web\n'
const names = ['kubemaster', 'worker01', 'worker02']

/** A cluster with a backup of it, in which something has changed since. */
async function changed(t: Test, change?: (lab: RawLab) => unknown): Promise<FakeHost> {
  const host = new FakeHost(t, change, { machines: true })
  host.put('at-once', '')
  host.add('date', 'echo 2026-11-26T06:36:00Z')
  await prepare(t, host, 'install-rke2', 'join')
  host.put('cluster/objects', old)
  await succeeds(t, host, 'backup')
  host.put('cluster/objects', 'nothing\n')
  return host
}
const backup = '.lab/lab/backups/lab-20261126-063600.tar'
const allReady = Object.fromEntries(names.map((name) => [name, true]))

function isBack(t: Test, host: FakeHost): void {
  t.equal(host.read('cluster/objects'), old)
  t.strictSame(host.kubeNodes(), allReady)
  for (const name of names) {
    t.equal(host.onNode(name, 'run/watches-old'), '', `${name} has restarted`)
  }
  const files = readdirSync(join(host.state, 'nodes/kubemaster/var/lib/rancher/rke2'))
  t.notOk(files.includes('restore'), 'it keeps no copy of the backup')
}

await t.test('on the same machines, by the script and by the printed one', async (t) => {
  const host = await changed(t)
  host.put('processes', '')
  const kubeconfig = join(host.project, '.lab/lab/kubeconfig')
  const fetched = readFileSync(kubeconfig, 'utf8')
  writeFileSync(kubeconfig, 'of another CA')
  host.save()
  const { stdout } = await succeeds(t, host, 'restore', '--dry-run')
  t.notMatch(stdout, secret)
  runByBash(t, host, stdout)
  isBack(t, host)
  const byPrinted = host.everything()
  host.restore()

  const { stderr } = await succeeds(t, host, 'restore', '--yes', '--verbose')
  isBack(t, host)
  t.strictSame(host.everything(), byPrinted)
  for (const text of [
    `backup   ${backup}`,
    'of       2026-11-26 06:36 UTC',
    'lost     everything that has changed',
    'restart  the agents worker01, worker02',
  ])
    t.match(stderr, text)
  t.equal(readFileSync(kubeconfig, 'utf8'), fetched)
  const seen = [stderr, host.read('processes'), ...host.callsSoFar()]
  t.notOk(
    seen.some((text) => text.includes(secret)),
    'the token is in no output, call or process',
  )
  await succeeds(t, host, 'restore', backup, '--yes') // once more
  isBack(t, host)
  const data = readdirSync(join(host.state, 'nodes/kubemaster/var/lib/rancher/rke2/server/db'))
  t.equal(data.filter((name) => name.startsWith('etcd-old-')).length, 1, 'only the last is kept')
})

await t.test(
  'in a lab made again, whose cluster has another token; then the others join',
  async (t) => {
    const host = await changed(t)
    const away = join(host.folder, 'away.tar')
    copyFileSync(join(host.project, backup), away)
    rmSync(join(host.state, 'cluster'), { recursive: true })
    mkdirSync(join(host.state, 'cluster'))
    for (const name of names) host.boot(name, { fresh: true })
    host.put('secret', 'another')
    failed(
      t,
      await host.run('restore', ['--yes', away]),
      'kubemaster: RKE2 is not installed there',
      'install-rke2.ts',
    )
    await succeeds(t, host, 'install-rke2')
    t.match(host.read('cluster/token'), /another$/m)
    const { stderr } = await succeeds(t, host, 'restore', '--yes', away)
    t.match(stderr, 'to join  worker01, worker02: afterwards, by join.ts')
    t.match(stderr, 'Next: npx zx scripts/join.ts')
    t.match(host.read('cluster/token'), secret)
    t.strictSame(host.kubeNodes(), { kubemaster: true }, 'the Nodes of the old machines are gone')
    const before = 'var/lib/rancher/rke2/server-before-restore/token'
    t.match(host.onNode('kubemaster', before), 'another', 'the new cluster is set aside')
    await succeeds(t, host, 'join')
    isBack(t, host)
  },
)

await t.test(
  'a worker that was recreated after the backup is let in with its new password',
  async (t) => {
    const host = await changed(t)
    host.boot('worker02', { fresh: true })
    host.put('cluster/nodes/worker02', `Unknown agent ${version}\n`)
    await succeeds(t, host, 'join')
    await succeeds(t, host, 'restore', '--yes')
    isBack(t, host)
  },
)

const threeServers = (lab: RawLab) => {
  for (const node of lab.nodes) node.role = 'server'
  lab.nodes.push({ name: 'agent01', role: 'agent', address: '192.0.2.34' })
}

await t.test('three servers: the others are off, and join again one at a time', async (t) => {
  const host = await changed(t, threeServers)
  host.forget('events')
  const { stderr } = await succeeds(t, host, 'restore', '--yes')
  t.equal(host.read('cluster/objects'), old)
  t.strictSame(host.kubeNodes(), { ...allReady, agent01: true })
  t.strictSame(
    host.events().filter((text) => !text.startsWith('delete')),
    [...names, 'agent01'].flatMap((name) => [`start ${name}`, `ready ${name}`]),
  )
  t.match(
    stderr,
    'rejoin   worker01, worker02: stopped with their pods, their copies of etcd deleted',
  )
  for (const name of names)
    t.ok(existsSync(join(host.state, 'nodes', name, 'run/enabled-rke2-server')), 'it is enabled')

  await t.test('one of them does not answer: nothing is stopped', async (t) => {
    host.put('domains/worker02/state', 'shut off\n')
    failed(t, await host.run('restore', ['--yes']), 'worker02: cannot be reached over SSH')
    t.equal(host.onNode('kubemaster', 'run/rke2-server'), 'active\n')
    host.put('domains/worker02/state', 'running\n')
  })

  await t.test('where the first one has joined another, it joins nobody any more', async (t) => {
    host.boot('kubemaster', { fresh: true })
    host.put('cluster/nodes/kubemaster', `Unknown server ${version}\n`)
    await succeeds(t, host, 'join', 'kubemaster')
    const config = (name: string) => host.onNode(name, 'etc/rancher/rke2/config.yaml')
    for (const name of names) t.match(config(name), /^server: /m)
    await succeeds(t, host, 'restore', '--yes')
    t.strictSame(host.kubeNodes(), { ...allReady, agent01: true })
    t.notMatch(config('kubemaster'), /^server: /m)
    for (const name of names.slice(1)) t.match(config(name), 'server: https://192.0.2.30:9345')
  })
})

await t.test('what is refused before anything is stopped', async (t) => {
  const host = await changed(t)
  const tar = join(host.project, backup)
  const bytes = readFileSync(tar)
  const before = host.everything()
  const refused = async (words: string[], ...texts: string[]) => {
    const result = await host.run('restore', ['--yes', ...words])
    failed(t, result, ...texts)
    t.strictSame(shown(result), [], 'no command was run')
  }
  await refused(['nothing.tar'], 'there is no file nothing.tar')
  await refused(['lab.yaml'], 'lab.yaml is damaged, or no backup', 'nothing was stopped or changed')

  const damaged = (change: (bytes: Buffer) => Buffer) => {
    writeFileSync(join(host.project, 'damaged.tar'), change(Buffer.from(bytes)))
    return refused(['damaged.tar'], 'damaged.tar is damaged, or no backup')
  }
  await damaged((all) => all.subarray(0, 3000))
  await damaged((all) => (all.write('X', all.indexOf('kubemaster')), all))
  await damaged((all) => (all.write('X', all.indexOf(secret)), all))
  rmSync(join(host.project, 'damaged.tar'))

  const remade = (edit: string) => {
    const files = join(host.folder, 'files')
    const script = `mkdir '${files}' && cd '${files}' && tar -xf '${tar}' && ${edit} && rm SHA256SUMS && sha256sum * >../sums && mv ../sums SHA256SUMS && tar -cf ../foreign.tar * && rm -r '${files}'`
    t.equal(spawnSync('bash', ['-c', script]).status, 0)
    return join(host.folder, 'foreign.tar')
  }
  const inManifest = (edit: string) => remade(`sed -i '${edit}' backup.json`)
  await refused(
    [inManifest('s/"lab": "lab"/"lab": "other"/')],
    'it is of lab other, this is lab lab',
  )
  await refused(
    [inManifest('s/kubemaster"/master01"/')],
    'its servers are master01, those of this lab kubemaster',
  )
  await refused(
    [inManifest('s/v1.36.5/v1.37.0/')],
    'but the backup is of v1.37.0+rke2r1, a newer minor',
  )
  await refused([remade('rm token')], 'is damaged, or no backup')
  t.strictSame(host.everything(), before)
  await succeeds(t, host, 'restore', '--yes', inManifest('s/v1.36.5/v1.35.9/'))

  rmSync(join(host.project, '.lab/lab/backups'), { recursive: true })
  await refused([], 'lab lab has no backup in .lab/lab/backups', 'npx zx scripts/backup.ts')
  const { code, stderr } = await host.run('restore', [])
  t.equal(code, 1)
  t.match(stderr, 'has no backup')
})

await t.test('a reset that fails says why, and the way back', async (t) => {
  const host = await changed(t)
  rmSync(join(host.state, 'nodes/kubemaster/usr/local/bin/rke2-killall.sh'))
  const rke2 = join(host.state, 'nodes/kubemaster/usr/local/bin/rke2')
  const program = readFileSync(rke2, 'utf8')
  const broken = `  'server --cluster-reset'*) fatal 'no space left' ;;\n`
  writeFileSync(rke2, program.replace(/^ {2}'server --cluster-reset/m, `${broken}$&`))
  failed(
    t,
    await host.run('restore', ['--yes']),
    'etcd did not go back to the snapshot: no space left',
    'the restore is not complete; run it again, and it starts again from the backup',
    `npx zx scripts/restore.ts ${backup}`,
    'etcd-old-TIME',
  )
  writeFileSync(rke2, program)
  await succeeds(t, host, 'restore', '--yes')
  isBack(t, host)
})
