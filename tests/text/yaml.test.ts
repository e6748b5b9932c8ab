// YAML 1.1 as PyYAML (cloud-init) and yaml.v2 (RKE2, kubectl) read it; both are run if they are installed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { UsageError } from '../../lib/text/errors.ts'
import { asList, Bare, readMapping, readYaml, toYaml } from '../../lib/text/yaml.ts'
import { hostileStrings } from '../helpers/labs.ts'
import { noKubectl, noPython, pyYaml, pyYamlAll, yamlV2 } from '../helpers/yaml.ts'

const bare = (text: string) => new Bare(text)

/** The text in a file, and its value here, for PyYAML and for yaml.v2. */
const scalars: [written: string, here: unknown, python: unknown, go: unknown][] = [
  ['yes', bare('yes'), true, true],
  ['on', bare('on'), true, true],
  ['Off', bare('Off'), false, false],
  ['y', bare('y'), 'y', true],
  ['N', bare('N'), 'N', false],
  ['True', true, true, true],
  ['false', false, false, false],
  ['~', null, null, null],
  ['', null, null, null],
  ['Null', null, null, null],
  ['012', bare('012'), 10, 10],
  ['0640', bare('0640'), 416, 416],
  ['08', bare('08'), '08', 8],
  ['0o12', bare('0o12'), '0o12', 10],
  ['12', bare('12'), 12, 12],
  ['-_5', bare('-_5'), '-_5', -5],
  ['1_000', bare('1_000'), 1000, 1000],
  ['0x1F', bare('0x1F'), 31, 31],
  ['0X1F', bare('0X1F'), '0X1F', 31],
  ['0b11', bare('0b11'), 3, 3],
  ['.5', bare('.5'), 0.5, 0.5],
  ['0.10', bare('0.10'), 0.1, 0.1],
  ['1e3', bare('1e3'), '1e3', 1000],
  ['12:30', bare('12:30'), 750, '12:30'],
  ['52:54:00:11:22:33', bare('52:54:00:11:22:33'), 41135080953, '52:54:00:11:22:33'],
  ['2026-01-01', bare('2026-01-01'), '2026-01-01', '2026-01-01'],
  ['=', '=', undefined, '='],
  ['<<', '<<', undefined, undefined],
  ['"yes"', 'yes', 'yes', 'yes'],
  ["'012'", '012', '012', '012'],
  ['!!str 012', '012', '012', '012'],
  ['192.168.1.30', '192.168.1.30', '192.168.1.30', '192.168.1.30'],
  ['v1.36.5+rke2r1', 'v1.36.5+rke2r1', 'v1.36.5+rke2r1', 'v1.36.5+rke2r1'],
  ['1.2.3', '1.2.3', '1.2.3', '1.2.3'],
  ['~root', '~root', '~root', '~root'],
]

await t.test('a value stays open to what each reader makes of it', async (t) => {
  for (const [written, here] of scalars)
    t.strictSame(readYaml(`a: ${written}`).value, new Map([['a', here]]), written)
})

// The values of the table as one list, and as it is written again.
const items = scalars.filter(([written]) => written !== '=' && written !== '<<')
const list = items.map(([written]) => `- ${written}\n`).join('')
const again = toYaml(readYaml(list).value)

await t.test('a number, a date, a yes keeps its text', (t) => {
  const lines = again.split('\n')
  for (const [index, [written, here]] of items.entries())
    if (here instanceof Bare) t.equal(lines[index], `- ${written}`)
  t.end()
})

await t.test('PyYAML reads both the same way', { skip: noPython }, (t) => {
  const wanted = items.map(([, , python]) => python)
  t.strictSame(pyYamlAll([list, again]), [wanted, wanted])
  const stumbles = ['=', '<<'].map((written) => `- ${written}`)
  t.match(pyYamlAll(stumbles), [/^refused: could not determine a constructor/, /^refused/])
  const quoted = stumbles.map((text) => toYaml(readYaml(text).value))
  t.strictSame(pyYamlAll(quoted), [['='], ['<<']], 'what it fails on can only mean text')
  t.end()
})

await t.test('yaml.v2 reads both the same way', { skip: noKubectl }, (t) => {
  const file = join(t.testdir(), 'kubeconfig')
  const wanted = items.map(([, , , go]) => go)
  for (const text of [list, again]) t.strictSame(yamlV2(file, text), wanted)
  t.end()
})

await t.test('every reader reads written text as the same text', async (t) => {
  const words = scalars.map(([written]) => written).concat(hostileStrings)
  const breaks = [
    '\x07bell',
    'a\x7fb\nc',
    'one\u2028two',
    'one\u0085two',
    '\ufeffmark',
    'a\r\nb',
    '\ttab',
  ]
  const texts = [
    ...words,
    ...breaks,
    ' space ',
    'a: b',
    '- a',
    'ä€😀',
    '%x',
    '@x',
    '`x`',
    '!x',
    '&x',
    '*x',
  ]
  const written = toYaml({ texts })
  t.strictSame(readYaml(written).value, new Map([['texts', texts]]))
  t.strictSame(JSON.parse(toYaml({ texts, more: { yes: 1 } }, { json: true })), {
    texts,
    more: { yes: 1 },
  })
  if (!noPython) t.strictSame(pyYaml(written), { texts })
  if (!noKubectl) t.strictSame(yamlV2(join(t.testdir(), 'kubeconfig'), toYaml(texts)), texts)
})

await t.test('maps, anchors, merge keys, odd keys, line ends', async (t) => {
  const text =
    '\ufeffa: &a { x: 1, yes: no }\r\nb: { <<: *a, x: 2 }\r\nc: [*a]\r\n? 8080\r\n: web # port\r\nd: !!binary aGk=\r\n'
  const { value, problems } = readYaml(text)
  t.strictSame(problems, [])
  t.equal(
    toYaml(value),
    'a:\n  x: 1\n  yes: no\nb:\n  x: 2\n  yes: no\nc:\n  - x: 1\n    yes: no\n8080: web\nd: !!binary |-\n  aGk=\n',
  )
  if (!noPython) t.strictSame(pyYaml(toYaml(value)), pyYaml(text))
  t.equal(
    toYaml({ mode: 640, share: 0.5, on: true }),
    'mode: 640\nshare: 0.5\n"on": true\n',
    'numbers of the lab file',
  )
})

const broken: [text: string, ...problems: RegExp[]][] = [
  ['a: 1\nb: [', /^line 2: /],
  ['a:\n\t- b\n', /^line 2: Tabs are not allowed as indentation$/],
  ['a: 1\nb: *x', /^line 2: \*x has no anchor &x before it$/],
  ['a: &x [*x]', /^line 1: \*x is inside its own anchor$/],
  ['a: 1\nb: !!int "3"', /^line 2: the tag tag:yaml\.org,2002:int is not supported$/],
  ['a: !!python/object/apply:os.system [id]', /^line 1: the tag .*os\.system is not supported$/],
  [`a: &a [1]\n${'b'.repeat(3)}: [${'*a, '.repeat(200)}]`, /alias/],
  ['a: &a 1\n<<: *a', /Merge/],
]

await t.test('what cannot be read is reported with its line, not thrown', async (t) => {
  for (const [text, ...problems] of broken) t.match(readYaml(text).problems, problems, text)
  for (const text of ['', '# only\n', '---\n', '~'])
    t.match(readYaml(text), { value: null, problems: [] })
})

await t.test('a file that people edit is one mapping with each key once', async (t) => {
  t.strictSame(readMapping('a: 1\n\nb: [x]\n', 'f.yaml', 'keys'), [
    { key: 'a', value: bare('1'), line: 1 },
    { key: 'b', value: ['x'], line: 3 },
  ])
  t.strictSame(readMapping('x: &x {a: y}\n<<: *x\n', 'f.yaml', 'keys').at(-1), {
    key: 'a',
    value: bare('y'),
    line: 2,
  })
  t.strictSame(readMapping('# nothing yet\n', 'f.yaml', 'keys'), [])
  const wrong: [text: string, message: string, ...details: RegExp[]][] = [
    ['- a\n', 'f.yaml is not a YAML mapping of keys'],
    ['a: 1\n---\nb: 1\n', 'f.yaml is not valid YAML', /^line 2: a second document starts here/],
    ['a: 1\nb: 1\na: 2\n', 'f.yaml: 1 problem', /^line 3: a is already in line 1$/],
    [
      'on: 1\n[a]: 1\n',
      'f.yaml: 2 problems',
      /^line 1: this key is not text; quote it$/,
      /^line 2/,
    ],
    ['a: [', 'f.yaml is not valid YAML', /^line 1/],
  ]
  for (const [text, message, ...details] of wrong)
    t.throws(
      () => readMapping(text, 'f.yaml', 'keys'),
      { constructor: UsageError, message, details },
      text,
    )
})

await t.test('a list may be left out or be one thing', (t) => {
  t.strictSame([undefined, null, 'a', ['a', 'b']].map(asList), [[], [], ['a'], ['a', 'b']])
  t.end()
})

await t.test('nothing else in lib reads or writes YAML, except the lab file (YAML 1.2)', (t) => {
  const lib = join(import.meta.dirname, '../../lib')
  const users = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && readFileSync(join(lib, name), 'utf8').includes("from 'yaml'"),
  )
  t.strictSame(users.sort(), ['lab/lab.ts', 'text/yaml.ts'])
  t.end()
})
