// The stand-in's deploy controller: what lies in a server's folder of manifests, and its Addons.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { parseAddons } from '../../lib/rke2/addons.ts'
import { Node } from './nodes.ts'

const server = new Node('cp1', 'server')
const folder = 'var/lib/rancher/rke2/server/manifests'
const map = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { key: ${value} }\n---\n`
const put = (name: string, text: string) => server.write(`${folder}/${name}`, text)
const valueOf = (name: string) => {
  const { code, out } = server.kubectl('get', 'configmap', name, '-o', 'json')
  return code === 0 ? (JSON.parse(out) as { data: { key: string } }).data.key : undefined
}
const addons = () => {
  const get = (...words: string[]) =>
    server.kubectl('get', '--namespace', 'kube-system', '--output', 'json', ...words).out
  const events = get('events', '--field-selector', 'involvedObject.kind=Addon')
  return parseAddons(
    new Map([
      ['manifest-list', ''],
      ['addons', get('addons.k3s.cattle.io')],
      ['addon-events', events],
    ]),
  )
}
const until = async (t: Test, holds: () => unknown) => {
  for (let tries = 0; tries < 60; tries++) {
    if (holds()) return
    await sleep(100)
  }
  t.fail(`it never came to pass: ${holds.toString()}`)
}
const sum = (text: string) => createHash('sha256').update(text).digest('hex')

await t.test(
  'files are applied, changed ones again, and what they no longer hold goes',
  async (t) => {
    await mkdir(server.path(folder), { recursive: true })
    await put('a.yaml', map('one', 'first') + map('two', 'second'))
    await put('.hidden.yaml', map('hidden', 'x'))
    await put('skipped.yaml', map('skipped', 'x'))
    await put('skipped.yaml.skip', '')
    await server.start({}, { deploy: 0.2 })
    await until(t, () => valueOf('two') === 'second')
    await until(
      t,
      () => addons()?.applied?.get('a') === sum(map('one', 'first') + map('two', 'second')),
    )
    t.strictSame([...(addons()?.applied?.keys() ?? [])], ['a'])
    await put('a.yaml', map('one', 'changed'))
    await until(t, () => valueOf('one') === 'changed' && valueOf('two') === undefined)
    await rm(server.path(`${folder}/a.yaml`))
    await sleep(1000)
    t.equal(valueOf('one'), 'changed', 'what it made stays')
  },
)

await t.test('what goes wrong is an event, and tried again', async (t) => {
  await put('bad.yaml', 'a: [\n')
  await put('other.yaml', 'apiVersion: v1\nkind: Thing\nmetadata: { name: x }\n')
  await until(t, () => addons()?.trouble.size === 2)
  t.match(addons()?.trouble.get('bad'), /^ParseManifestFailed: /)
  t.match(addons()?.trouble.get('other'), /^ApplyManifestFailed: .*no matches for kind "Thing"/)
  t.ok(await server.until('Failed to process config'))
  await put('other.yaml', map('right', 'now'))
  await until(t, () => addons()?.applied?.get('other') === sum(map('right', 'now')))
  await until(t, () => !addons()?.trouble.has('other'))
})

await t.test('the ready files are accepted', async (t) => {
  const text = await readFile(
    join(import.meta.dirname, '../../rke2/examples/local-path-storage.yaml'),
    'utf8',
  )
  await put('local-path-storage.yaml', text)
  await until(t, () => addons()?.applied?.get('local-path-storage') === sum(text))
})
