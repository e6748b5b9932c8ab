// rke2/manifests: what RKE2 would ignore, mistake or undo is refused by name, and no value is shown; what differs on a server.
import t from 'tap'
import { disabledBy } from '../../lib/rke2/config.ts'
import {
  manifestStatus,
  manifestTable,
  parseAddons,
  type ServerAddons,
} from '../../lib/rke2/addons.ts'
import {
  addonOf,
  checkManifests,
  manifestChanges,
  parseManifests,
  sumOf,
  type Manifest,
} from '../../lib/rke2/manifests.ts'
import { UsageError } from '../../lib/text/errors.ts'
import { parts } from '../../lib/text/sections.ts'

const map = (name: string, more = '') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n${more}`
const chart = (more: string) =>
  `apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: { name: x, namespace: kube-system${more} }\n`

const problemsOf = (files: Record<string, string>, disabled: string[] = []): string[] => {
  try {
    checkManifests(
      Object.entries(files).map(([name, text]) => ({ name, text })),
      disabled,
    )
    return []
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return error.details
  }
}

void t.test('what RKE2 applies is taken, with the sum of its bytes', async (t) => {
  const list =
    'apiVersion: v1\nkind: List\nitems:\n  - { apiVersion: v1, kind: Secret, metadata: { name: s } }\n'
  const files = {
    'a.yaml': map('a'),
    'several-2.yaml': `# a comment\n---\n${map('b')}---\n---\n${map('c', 'data:\n  text: |\n    one\n    --- two\n')}`,
    'list.yaml': list,
    'kinds.yaml': map('a').replace('v1', 'another.group/v1'),
    'rke2-canal-config.yaml': chart('').replace('HelmChart', 'HelmChartConfig'),
  }
  t.strictSame(problemsOf(files), [])
  const [first] = checkManifests([{ name: 'a.yaml', text: map('a') }])
  t.equal(first?.sum, 'ddfd313b04fd580722b32a1d296365394eca88085d4536fa36de19d2f44006a2')
  const [one, other] = checkManifests([
    { name: 'a.yaml', text: chart('') },
    {
      name: 'b.yaml',
      text: chart('2, annotations: { rke2.cattle.io/inject-cluster-config: "false" }').replace(
        'x,',
        'z,',
      ),
    },
  ])
  t.strictSame(one, { name: 'a.yaml', sum: sumOf(chart('')), rewritten: true })
  t.notOk(other?.rewritten, 'RKE2 leaves it as it is')
})

void t.test('what it ignores, mistakes or undoes is refused by file and line', async (t) => {
  const cases: [files: Record<string, string>, problem: RegExp, disabled?: string[]][] = [
    [{ 'a.yml': map('a') }, /^a\.yml: RKE2 would ignore or mistake it; use small letters/],
    [{ 'a.json': '{}' }, /^a\.json: RKE2 would ignore or mistake/],
    [{ 'a.yaml.skip': '' }, /^a\.yaml\.skip: RKE2 would/],
    [{ 'a.b.yaml': map('a') }, /^a\.b\.yaml: RKE2 would/],
    [{ 'A_b.yaml': map('a') }, /^A_b\.yaml: RKE2 would/],
    [{ 'sub/': '' }, /^sub\/: is a folder/],
    [{ 'rke2-canal.yaml': map('a') }, /^rke2-canal\.yaml: is the name of a file that RKE2 writes/],
    [
      { 'a.yaml': map('a') },
      /^a\.yaml: RKE2 would delete it: a is listed under disable/,
      ['b', 'a'],
    ],
    [{ 'a.yaml': '# nothing\n---\n' }, /^a\.yaml: holds no object/],
    [{ 'a.yaml': '' }, /^a\.yaml: holds no object/],
    [
      { 'a.yaml': `${map('a')}---\nkind: Pod\n` },
      /^a\.yaml: line 4: this document lacks apiVersion, metadata\.name/,
    ],
    [{ 'a.yaml': map('y') }, /lacks metadata\.name as text/],
    [{ 'a.yaml': '- secret-value\n' }, /line 1: this document lacks apiVersion, kind, metadata/],
    [{ 'a.yaml': `${map('a')}---\na: [secret-value\n` }, /^a\.yaml: line [56]: /],
    [{ 'a.yaml': map('a'), 'b.yaml': map('a') }, /^b\.yaml: line 1: ConfigMap a is in a\.yaml too/],
    [
      { 'a.yaml': map('a'), 'b.yaml': map('a, namespace: default') },
      /^b\.yaml: line 1: ConfigMap default a is in a\.yaml too/,
    ],
    [{ 'a.yaml': `${map('a')}---\n${map('a')}` }, /^a\.yaml: line 4: ConfigMap a is there twice/],
    [{ 'a.yaml': `# \uFFFD\n${map('a')}` }, /^a\.yaml: is not text in UTF-8/],
  ]
  for (const [files, problem, disabled] of cases) {
    const found = problemsOf(files, disabled)
    t.equal(found.length, 1, found.join('\n'))
    t.match(found[0], problem)
    t.notMatch(found.join(), 'secret-value')
  }
  t.strictSame(disabledBy({ disable: ['a', 'b'] }, {}), ['a', 'b'])
  t.strictSame(disabledBy({ disable: ['a'] }, { disable: 'c,d', 'disable+': ['e'] }), [
    'c',
    'd',
    'e',
  ])
  t.equal(addonOf('sub/a.b.yaml'), 'a')
})

const sum = (text: string) => sumOf(text)
const wanted = (...names: string[]): Manifest[] =>
  names.map((name) => ({ name: `${name}.yaml`, sum: sum(name) }))
const there = (files: Record<string, string>, ours: Record<string, string> = {}) => ({
  files: new Map(Object.entries(files)),
  ours: new Map(Object.entries(ours)),
})

void t.test('what is to change on a server', async (t) => {
  const [a, b] = [sum('a'), sum('b')]
  const listed = { 'a.yaml': a }
  const none = there({})
  t.equal(manifestChanges([], none), undefined)
  t.strictSame(manifestChanges(wanted('a'), none), {
    put: ['a.yaml'],
    remove: [],
    list: [`${a}  a.yaml`],
  })
  t.equal(manifestChanges(wanted('a'), there(listed, listed)), undefined)
  t.equal(
    manifestChanges(
      wanted('a'),
      there({ ...listed, 'other.yaml': b, 'rke2-canal.yaml': b }, listed),
    ),
    undefined,
  )
  t.match(manifestChanges(wanted('a'), there({ 'a.yaml': b }, { 'a.yaml': b })), {
    put: ['a.yaml'],
  })
  t.match(
    manifestChanges(wanted('a'), there({ 'a.yaml': b }, listed)),
    { put: ['a.yaml'] },
    'changed there',
  )
  t.match(manifestChanges(wanted('a'), there({}, listed)), { put: ['a.yaml'] }, 'deleted there')
  t.match(
    manifestChanges(wanted('a'), there({ 'a.yaml': b }, { 'a.yaml': '-' })),
    { put: ['a.yaml'] },
    'cut off',
  )
  t.strictSame(manifestChanges([], there(listed, listed)), {
    put: [],
    remove: ['a.yaml'],
    list: [],
  })
  t.match(
    manifestChanges(wanted('a'), there(listed)),
    { put: [], list: [/a.yaml$/] },
    'the same bytes become ours',
  )
  const rewritten = wanted('a').map((one) => ({ ...one, rewritten: true as const }))
  t.equal(
    manifestChanges(rewritten, there({ 'a.yaml': b }, listed)),
    undefined,
    'RKE2 wrote into it',
  )
})

void t.test("other people's files are in the way and named", async (t) => {
  for (const file of ['a.yaml', 'a.yml', 'sub/a.yaml', 'a.more.json', 'a.yaml.skip'])
    t.throws(() => manifestChanges(wanted('a'), there({ [file]: sum('b') })), {
      message: `${file} in`,
    })
  t.throws(() => manifestChanges(wanted('a'), there({ 'a.yaml.skip': '' })), {
    message: /^a\.yaml\.skip in .*: someone put it there/,
    details: ['RKE2 ignores a.yaml as long as a.yaml.skip is there'],
  })
  t.ok(manifestChanges(wanted('a'), there({ 'a.txt': '', 'ab.yaml': '' })))
})

const answer = (files: string, list: string, addons = '', events = '') =>
  parts(
    `== manifests\n${files}== manifest-list\n${list}== addons\n${addons}\n== addon-events\n${events}\n`,
  )
const addons = (name: string, checksum: string) =>
  JSON.stringify({ items: [{ metadata: { name }, spec: { checksum, source: '/x' } }] })

void t.test('the files and the list of a server', async (t) => {
  const found = answer(
    `${sum('a')}  ./a.yaml\n${sum('b')}  ./sub/b c.yaml\n`,
    `${sum('x')}  a.yaml\n-  a.yaml\n`,
  )
  t.strictSame(
    parseManifests(found),
    there({ 'a.yaml': sum('a'), 'sub/b c.yaml': sum('b') }, { 'a.yaml': '-' }),
  )
  t.equal(parseManifests(answer('', 'list\n')).hadSome, true, 'the list is there, and empty')
  t.equal(parseAddons(parts('== manifests\n')), undefined, 'cut off')
})

void t.test('status: which servers have a file, and whether RKE2 has applied it', async (t) => {
  const has = `${sum('a')}  ./a.yaml\n`
  const listed = `${sum('a')}  a.yaml\n`
  const event = (message: string, lastTimestamp: string) => ({
    involvedObject: { name: 'a' },
    reason: 'ApplyManifestFailed',
    message,
    lastTimestamp,
  })
  const events = JSON.stringify({ items: [event('new\none', '2026-02'), event('old', '2026-01')] })
  const server = (...words: Parameters<typeof answer>) =>
    parseAddons(answer(...words)) as ServerAddons
  const of = (...servers: ServerAddons[]) => manifestStatus(wanted('a'), servers)[0]
  const good = { file: 'a.yaml', servers: 1, of: 1, addon: 'applied', remark: null }
  t.strictSame(
    of(server(has, listed, addons('a', sum('a')), events)),
    good,
    'an old event counts no more',
  )
  t.match(of(server(has, listed, addons('a', 'other'))), { addon: 'waiting' })
  t.match(of(server(has, listed, addons('a', 'other'), events)), {
    addon: 'failed',
    remark: 'ApplyManifestFailed: new one',
  })
  const applied = (lastTimestamp: string, resourceVersion: string) => ({
    ...event('Applied manifest', lastTimestamp),
    metadata: { resourceVersion },
    type: 'Normal',
    reason: 'AppliedManifest',
  })
  const since = (...more: object[]) =>
    of(
      server(
        has,
        listed,
        addons('a', 'other'),
        JSON.stringify({ items: [...more, event('new', '2026-02')] }),
      ),
    )?.addon
  t.equal(since(applied('2026-03', '1')), 'waiting', 'what went wrong before counts no more')
  t.equal(since(applied('2026-02', '9')), 'waiting', 'in the same second')
  t.equal(since(applied('2026-01', '9')), 'failed')
  const retry = { ...applied('2026-03', '1'), reason: 'ApplyingManifest' }
  t.equal(since(retry), 'failed', 'it is only tried again')
  t.match(of(server(has, listed)), { addon: null }, 'no API')
  t.match(
    of(server(`${sum('edited')}  ./a.yaml\n`, listed)),
    { servers: 0, of: 1, remark: /not on all servers as it is here/ },
    'someone edited it there',
  )
  t.match(of(server(has, listed, addons('a', sum('a'))), server('', '')), {
    servers: 1,
    of: 2,
    remark: /not on all servers as it is here/,
  })
  t.strictSame(manifestStatus([], []), [])
  const gone = manifestStatus([], [server(has, listed)])
  t.match(gone, [{ file: 'a.yaml', servers: 0, of: 1, remark: /^no longer here: run/ }])
  t.match(
    manifestTable(gone),
    /^\n\nMANIFEST +SERVERS +ADDON\na\.yaml +0 of 1 +-\na\.yaml: no longer/,
  )
  t.match(manifestTable(gone, 2), /\nnot counted, as there was no answer: 2 servers$/)
  t.equal(manifestTable([], 1), '')
})
