// backup.ts as a real process: what is in the file, and who can read it.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isBackupOf, tarText } from '../helpers/backups.ts'
import { FakeHost, secret, version } from '../helpers/fake-host.ts'
import { prepare } from '../helpers/prepare.ts'
import { runByBash } from '../helpers/printed.ts'
import { failed, succeeds } from '../helpers/results.ts'

const cluster = async (t: Test) => {
  const host = new FakeHost(t, undefined, { machines: true })
  await prepare(t, host, 'install-rke2', 'join')
  return host
}
const folder = (host: FakeHost) => join(host.project, '.lab/lab/backups')
const snapshots = (host: FakeHost) =>
  readdirSync(join(host.state, 'nodes/kubemaster/var/lib/rancher/rke2/server/db/snapshots'))

await t.test(
  'one private file with all that a restore needs, and no trace of it elsewhere',
  async (t) => {
    const host = await cluster(t)
    host.put('processes', '')
    const { stdout, stderr } = await succeeds(t, host, 'backup', '--verbose')
    const [name = '', ...others] = readdirSync(folder(host))
    t.match(name, /^lab-\d{8}-\d{6}\.tar$/)
    t.strictSame(others, [])
    t.match(stderr, `✓ saved in .lab/lab/backups/${name}`)
    t.match(stderr, `Next: npx zx scripts/restore.ts .lab/lab/backups/${name}`)
    const file = join(folder(host), name)
    t.strictSame(
      [folder(host), file].map((path) => statSync(path).mode & 0o777),
      [0o700, 0o600],
    )

    const hash = createHash('sha256').update(secret).digest('hex').slice(0, 12)
    const manifest = JSON.parse(tarText(file, 'backup.json')) as { date: string }
    t.match(manifest, {
      lab: 'lab',
      date: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
      version,
      nodes: [
        { name: 'kubemaster', role: 'server' },
        { name: 'worker01', role: 'agent' },
        { name: 'worker02', role: 'agent' },
      ],
      snapshot: 'rke2-kvm-lab-kubemaster-1766000000',
      tokenHash: hash,
    })
    t.equal(name, `lab-${manifest.date.replace(/[-:Z]/g, '').replace('T', '-')}.tar`)
    t.match(tarText(file, 'token'), new RegExp(`^K10[0-9a-f]{64}::server:${secret}\n$`))
    t.equal(tarText(file, 'config.yaml'), host.onNode('kubemaster', 'etc/rancher/rke2/config.yaml'))
    for (const [inside, own] of Object.entries({
      'lab.yaml': 'lab.yaml',
      'server.yaml': 'rke2/server.yaml',
      'agent.yaml': 'rke2/agent.yaml',
    }))
      t.equal(tarText(file, inside), readFileSync(join(host.project, own), 'utf8'))
    t.strictSame(snapshots(host), [], 'the snapshot does not stay on the server')

    const seen = [stdout, stderr, host.read('processes'), ...host.callsSoFar()]
    t.notOk(
      seen.some((text) => text.includes(secret)),
      'the token is in no output, call or process',
    )
  },
)

await t.test('--keep deletes older ones after the new one is there', async (t) => {
  const host = await cluster(t)
  mkdirSync(folder(host), { recursive: true })
  const old = ['lab-20250101-000000.tar', 'lab-20250102-000000.tar', 'lab-20250103-000000.tar']
  for (const name of [...old, 'notes.txt']) writeFileSync(join(folder(host), name), '')
  const left = () => readdirSync(folder(host)).filter((name) => /^(lab-2025|notes)/.test(name))
  for (const [words, stay] of [
    [[], old],
    [['--keep', '3'], old.slice(2)],
    [['--keep=1'], []],
  ] as const) {
    host.add('date', `echo 2026-11-26T06:36:0${words.length}Z`)
    await succeeds(t, host, 'backup', ...words)
    t.strictSame(left(), [...stay, 'notes.txt'], words.join(' '))
  }
  for (const wrong of ['0', 'x', '1.5']) {
    const { code, stderr } = await host.run('backup', ['--keep', wrong])
    t.equal(code, 2)
    t.match(stderr, `--keep must be a number of backups, at least 1, got ${wrong}`)
  }
})

await t.test('without a Ready server there is no backup', async (t) => {
  const host = new FakeHost(t, undefined, { machines: true })
  failed(t, await host.run('backup'), 'no server of this lab runs RKE2 yet', 'install-rke2.ts')
  for (const script of ['install-rke2', 'join']) await succeeds(t, host, script)
  host.put('cluster/nodes/kubemaster', `False server ${version}\n`)
  failed(t, await host.run('backup'), 'kubemaster is not Ready: a backup needs a server that is')
  t.notOk(existsSync(folder(host)))
})

await t.test('a snapshot folder of the user, and other snapshots, are left alone', async (t) => {
  const host = await cluster(t)
  const ssh = ['-F', join(host.project, '.lab/lab/ssh_config'), 'kubemaster']
  const save = spawnSync(
    join(host.bin, 'ssh'),
    [...ssh, 'sudo rke2 etcd-snapshot save --name own'],
    {
      env: { ...host.env, SCRIPT_PID: '0' },
    },
  )
  t.equal(save.status, 0)
  await succeeds(t, host, 'backup')
  t.strictSame(snapshots(host), ['own-kubemaster-1766000000'])
})

await t.test('a file that cannot be read back is no backup', async (t) => {
  const host = await cluster(t)
  host.add('sync', 'exit 1') // the last before it gets its name
  t.equal((await host.run('backup')).code, 1)
  t.strictSame(readdirSync(folder(host)).filter(isBackupOf('lab')), [])
  host.link('sync')
  const tar = execFileSync('bash', ['-c', 'command -v tar'], { encoding: 'utf8' }).trim()
  host.add(
    'tar',
    `${tar} "$@" && if [[ $1 = -c ]]; then printf x | dd of="$3" bs=1 seek=700 conv=notrunc >/dev/null 2>&1; fi`,
  )
  host.link('dd')
  failed(t, await host.run('backup'), 'part/new.tar cannot be read back')
  t.strictSame(readdirSync(folder(host)).filter(isBackupOf('lab')), [])
})

await t.test('the printed script makes the same file', async (t) => {
  const host = await cluster(t)
  host.add('date', 'echo 2026-11-26T06:36:00Z')
  host.save()
  const { stdout } = await succeeds(t, host, 'backup', '--dry-run', '--keep=2')
  t.notMatch(stdout, secret)
  t.notOk(existsSync(folder(host)))
  runByBash(t, host, stdout)
  const inside = () => {
    const [file = ''] = readdirSync(folder(host))
    return [file, tarText(join(folder(host), file), 'SHA256SUMS'), statSync(folder(host)).mode]
  }
  const rest = () =>
    Object.entries(host.everything()).filter(([name]) => !name.includes('/backups/'))
  const [printed, others] = [inside(), rest()]
  host.restore()
  await succeeds(t, host, 'backup', '--keep=2')
  t.strictSame([inside(), rest()], [printed, others])
})
