// install-rke2.ts --merge: the cluster in the user's own kubeconfig.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse, stringify } from 'yaml'
import { FakeHost } from '../helpers/fake-host.ts'
import { failed, succeeds } from '../helpers/results.ts'
import { kubectlReads, noKubectl, type Kubeconfig } from '../helpers/yaml.ts'

await t.test('--merge puts the cluster into ~/.kube/config', async (t) => {
  const host = new FakeHost(t, (lab) => (lab.nodes = lab.nodes.slice(0, 1)), { machines: true })
  const kube = join(host.folder, 'home/.kube')
  const file = join(kube, 'config')
  const merge = () => succeeds(t, host, 'install-rke2', '--merge')
  const mode = (name: string) => statSync(join(kube, name)).mode & 0o777
  const merged = () => parse(readFileSync(file, 'utf8')) as Record<string, { name: string }[]>
  const names = (kind: string) => merged()[kind]?.map(({ name }) => name)

  await merge()
  t.strictSame([names('clusters'), merged()['current-context']], [['lab'], 'lab'], 'no ~/.kube')
  t.equal(statSync(kube).mode & 0o777, 0o700)
  t.notOk(existsSync(`${file}.before-lab`), 'there was nothing to back up')

  const entry = (name: string, more: object) => ({ name, ...more })
  const own = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [entry('lab', { cluster: { server: 'https://stale' } }), entry('work', {})],
    contexts: [entry('work', {})],
    users: [entry('work', {}), entry('lab', { user: { token: 'stale' } })],
    'current-context': 'work',
  })
  writeFileSync(file, own)
  chmodSync(file, 0o644)
  await merge()
  t.strictSame(
    [names('clusters'), names('contexts'), names('users')],
    [
      ['lab', 'work'],
      ['work', 'lab'],
      ['work', 'lab'],
    ],
    'in the place of the older entry',
  )
  t.equal(merged()['current-context'], 'work')
  t.notMatch(readFileSync(file, 'utf8'), 'stale')
  t.equal(readFileSync(`${file}.before-lab`, 'utf8'), own)
  t.strictSame([mode('config'), mode('config.before-lab')], [0o600, 0o600])

  const before = host.everything()
  t.match((await merge()).stderr, 'nothing to do: kubemaster runs RKE2')
  t.strictSame(host.everything(), before)

  renameSync(file, join(kube, 'elsewhere'))
  symlinkSync('elsewhere', file)
  writeFileSync(join(kube, 'elsewhere'), own)
  await merge()
  t.match(readFileSync(join(kube, 'elsewhere'), 'utf8'), 'name: lab', 'a link stays a link')
  writeFileSync(file, 'a: [')
  failed(t, await host.run('install-rke2', ['--merge']), '~/.kube/config is not valid YAML')
  t.equal(readFileSync(file, 'utf8'), 'a: [')
})

const theirs = (name: string) => `# mine
clusters:
- {name: ${name}, cluster: {server: "https://${name}", insecure-skip-tls-verify: yes}}
current-context: ${name}
`

/** A host with a ~/.kube/config with that text. */
function hostWith(t: Test, text: string) {
  const host = new FakeHost(t, (lab) => (lab.nodes = lab.nodes.slice(0, 1)), { machines: true })
  const kube = join(host.folder, 'home/.kube')
  mkdirSync(kube, { mode: 0o700 })
  const put = (text: string) => writeFileSync(join(kube, 'config'), text)
  put(text)
  const files = () =>
    Object.fromEntries(
      readdirSync(kube).map((name) => [name, readFileSync(join(kube, name), 'utf8')]),
    )
  return { host, kube, put, files }
}

// kubectl sorts entries by name, the scripts leave them in place.
const sorted = (config: Kubeconfig | string) =>
  typeof config === 'string'
    ? config
    : Object.entries(config).map(([key, value]: [string, unknown]) => [
        key,
        Array.isArray(value)
          ? (value as { name: string }[]).toSorted((a, b) => a.name.localeCompare(b.name))
          : value,
      ])

await t.test('a backup does not overwrite another backup', async (t) => {
  const { host, put, files } = hostWith(t, theirs('one'))
  await succeeds(t, host, 'install-rke2', '--merge')
  put(theirs('two'))
  await succeeds(t, host, 'install-rke2', '--merge')
  put(theirs('one'))
  await succeeds(t, host, 'install-rke2', '--merge')
  const { config, ...copies } = files()
  t.strictSame(copies, { 'config.before-lab': theirs('one'), 'config.before-lab.1': theirs('two') })
  t.ok(config?.startsWith(theirs('one').split('current')[0] ?? '-'), 'the other text is unchanged')
})

await t.test('a link to a file that does not exist yet stays a link', async (t) => {
  const { host, kube } = hostWith(t, '')
  rmSync(join(kube, 'config'))
  symlinkSync('elsewhere', join(kube, 'config'))
  await succeeds(t, host, 'install-rke2', '--merge')
  t.equal(readlinkSync(join(kube, 'config')), 'elsewhere')
  t.match(readFileSync(join(kube, 'elsewhere'), 'utf8'), 'name: "lab"')
})

await t.test('the file is replaced only if kubectl can read the new one', async (t) => {
  const { host, files } = hostWith(t, theirs('one'))
  host.add('kubectl', 'echo "error: bad $3 of type bool" >&2; exit 1')
  failed(
    t,
    await host.run('install-rke2', ['--merge']),
    'kubectl rejects ~/.kube/config with the lab in it; it was left alone',
    'error: bad config of type bool',
  )
  t.strictSame(files(), { config: theirs('one') }, 'nothing else was written')
  host.add('kubectl', 'kill -9 "$SCRIPT_PID"')
  t.equal((await host.run('install-rke2', ['--merge'])).code, null, 'it was killed')
  t.strictSame(files(), { config: theirs('one') })
  host.add('kubectl', '[[ $1 = --kubeconfig && -s $2 && "$3 $4" = "config view" ]]')
  await succeeds(t, host, 'install-rke2', '--merge')
  t.match(files(), { config: /name: lab/, 'config.before-lab': theirs('one') })
  t.notOk(existsSync(join(host.project, '.lab/lab/kubeconfig.merged')))
})

await t.test(
  '--dry-run: bash and kubectl have the same result, with the same backups',
  { skip: noKubectl },
  async (t) => {
    const { host, kube, put, files } = hostWith(t, theirs('one'))
    await succeeds(t, host, 'install-rke2')
    host.link('kubectl')
    for (const name of ['cmp', 'dirname']) host.link(name)
    const bash = async () => {
      const { stdout } = await succeeds(t, host, 'install-rke2', '--merge', '--dry-run')
      const env = { ...host.env, SCRIPT_PID: '0' }
      const { status, stderr } = spawnSync('bash', ['-s'], {
        input: stdout,
        env,
        cwd: host.project,
        encoding: 'utf8',
      })
      t.equal(status, 0, stderr)
      return kubectlReads(join(host.folder, 'read'), files().config ?? '')
    }
    const printed = await bash()
    t.strictSame(await bash(), printed, 'again')
    t.strictSame(Object.keys(files()), ['config', 'config.before-lab'], 'nothing new to back up')
    put(theirs('two'))
    await bash()
    const { config: _, ...copies } = files()
    t.strictSame(copies, {
      'config.before-lab': theirs('one'),
      'config.before-lab.1': theirs('two'),
    })
    t.equal(statSync(join(kube, 'config.before-lab.1')).mode & 0o777, 0o600)

    put(theirs('one'))
    await succeeds(t, host, 'install-rke2', '--merge')
    t.strictSame(
      sorted(kubectlReads(join(host.folder, 'read'), files().config ?? '')),
      sorted(printed),
    )
  },
)
