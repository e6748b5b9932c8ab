// The ready files in rke2/examples: what RKE2 would take, and what the schemas of their objects say.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { checkManifests } from '../../lib/rke2/manifests.ts'
import { manifestProblems } from '../docs/manifests.ts'
import { top } from '../helpers/fixtures.ts'

const folder = join(top, 'rke2/examples')
const files = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(join(folder, name), 'utf8'),
}))

void t.test('they can be copied to rke2/manifests, all at once', async (t) => {
  const all = checkManifests(files)
  t.ok(all.length > 2)
  t.notOk(
    all.some(({ rewritten }) => rewritten),
    'RKE2 writes into none of them',
  )
})

void t.test('their objects are what the schemas say', async (t) => {
  for (const { name, text } of files) t.strictSame(await manifestProblems(text), [], name)
})

void t.test('every image has a version', async (t) => {
  const text = files.map((file) => file.text).join('\n')
  const images = [...text.matchAll(/\bimage: *(\S+)/g)].map(([, image]) => image ?? '')
  t.ok(images.length > 1)
  for (const image of images) t.match(image, /:v?\d[\w.]*$/, image)
})

void t.test(
  'there is one default class, and MetalLB has its namespace and a pool to announce',
  async (t) => {
    interface Any {
      kind: string
      metadata: { name: string; namespace?: string; annotations?: Record<string, string> }
      spec?: { targetNamespace?: string; ipAddressPools?: string[] }
    }
    const all = files.flatMap(({ text }) => parseAllDocuments(text).map((one) => one.toJS() as Any))
    const named = (kind: string) => all.filter((one) => one.kind === kind)
    const [storage, ...others] = named('StorageClass')
    t.strictSame(others, [])
    t.equal(storage?.metadata.annotations?.['storageclass.kubernetes.io/is-default-class'], 'true')
    const [chart] = named('HelmChart')
    const spaces = named('Namespace').map(({ metadata }) => metadata.name)
    t.ok(spaces.includes(chart?.spec?.targetNamespace ?? ''))
    t.strictSame(named('L2Advertisement')[0]?.spec?.ipAddressPools, [
      named('IPAddressPool')[0]?.metadata.name,
    ])
  },
)
