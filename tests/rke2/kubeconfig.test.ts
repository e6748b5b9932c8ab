// The lab's kubeconfig, and how it is put into a person's own without a change to the rest of it.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { kubeconfigEdits, mergeKubeconfig } from '../../lib/rke2/kubeconfig.ts'
import { LabError } from '../../lib/text/errors.ts'
import { kubectlReads, noKubectl } from '../helpers/yaml.ts'

const fromNode = readFileSync('tests/fixtures/rke2.yaml', 'utf8')
const edit = (text: string, name: string) =>
  execFileSync(
    'sed',
    kubeconfigEdits(name, '192.168.1.30').flatMap((one) => ['-e', one]),
    { input: text, encoding: 'utf8' },
  )

await t.test('the kubeconfig gets the address of the server and the name of the lab', async (t) => {
  const ours = parse(edit(fromNode, 'lab'))
  t.match(ours, {
    'current-context': 'lab',
    clusters: [{ name: 'lab', cluster: { server: 'https://192.168.1.30:6443' } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    users: [{ name: 'lab' }],
  })
})

await t.test('a lab may be called like a value that is no text to YAML', async (t) => {
  for (const name of ['null', 'true', 'no', 'on', 'y', '1e3', '0x1f', '12e03', 'lab']) {
    const file = edit(fromNode, name)
    const merged = mergeKubeconfig(edit(fromNode, 'on'), file, name)
    for (const text of [file, merged])
      for (const version of ['1.1', '1.2'] as const) {
        const config = parse(text, { version }) as Record<string, { name: unknown }[]>
        for (const key of ['clusters', 'contexts', 'users'])
          t.equal(config[key]?.at(-1)?.name, name, `${key} of ${name}, YAML ${version}`)
        t.match(config.contexts?.at(-1), { context: { cluster: name, user: name } })
      }
    t.equal(parse(file, { version: '1.1' })['current-context'], name)
    t.equal(parse(merged, { version: '1.1' })['current-context'], 'on')
  }
})

await t.test('merging replaces stale entries of the lab and keeps everything else', async (t) => {
  const other = edit(fromNode, 'other')
  const once = mergeKubeconfig(other, edit(fromNode, 'lab'), 'lab')
  t.strictSame(
    parse(once).clusters.map(({ name }: { name: string }) => name),
    ['other', 'lab'],
  )
  t.equal(parse(once)['current-context'], 'other', 'the context that was in use stays')
  t.equal(
    mergeKubeconfig(once, edit(fromNode, 'lab'), 'lab'),
    once,
    'merging again changes nothing',
  )
  const renewed = edit(fromNode.replace('QQ==', 'Tkk='), 'lab')
  t.equal(parse(mergeKubeconfig(once, renewed, 'lab')).users.length, 2)
  t.match(mergeKubeconfig(once, renewed, 'lab'), 'Tkk=')
  t.equal(parse(mergeKubeconfig('', edit(fromNode, 'lab'), 'lab'))['current-context'], 'lab')
  t.throws(() => mergeKubeconfig('a: [', edit(fromNode, 'lab'), 'lab'), /left alone/)
})
