// install-rke2.ts --merge: the cluster in the kubeconfig of the person.
import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { FakeHost } from '../helpers/fake-host.ts'
import { failed, succeeds } from '../helpers/results.ts'

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
  t.notOk(existsSync(`${file}.before-lab`), 'there was nothing to keep')

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
      ['work', 'lab'],
      ['work', 'lab'],
      ['work', 'lab'],
    ],
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
  t.match(readFileSync(join(kube, 'elsewhere'), 'utf8'), 'name: lab', 'a link stays one')
  writeFileSync(file, 'a: [')
  failed(t, await host.run('install-rke2', ['--merge']), '~/.kube/config is not valid YAML')
  t.equal(readFileSync(file, 'utf8'), 'a: [')
})
