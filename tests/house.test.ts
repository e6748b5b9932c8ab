// The rules of the house: which room may import which, what is pure, how large things are.
import { join } from 'node:path'
import t from 'tap'
import { ownFiles, sourcesIn, type Source } from './helpers/sources.ts'

const sources = ['lib', 'scripts'].flatMap((folder) => sourcesIn(folder))
const linesOf = (text: string) => text.split('\n').length - 1
/** The project's own files that a file imports, for types too. */
const ownImports = ({ file, imports, types }: Source) => ownFiles(file, [...imports, ...types])

/** The room of a file in lib; its root is a room too. */
const roomOf = (file: string) => /^lib\/(?:(\w+)\/)?/.exec(file)?.[1] ?? '(root)'

// From the ground up: what each room may import besides itself.
const ground = ['text', 'runtime']
const onGround = [...ground, 'cli', 'lab']
const work = [...onGround, 'shell']
const phases = [...work, 'libvirt', 'download', 'guest']
const mayImport: Record<string, string[]> = {
  runtime: [],
  text: ['runtime'],
  cli: ['text'],
  lab: ground,
  shell: ['cli', ...ground],
  libvirt: work,
  download: work,
  guest: [...work, 'libvirt'],
  machine: phases,
  doctor: phases,
  rke2: phases.filter((room) => room !== 'libvirt'),
  drills: [...phases, 'machine', 'rke2'],
  '(root)': [...phases, 'machine', 'doctor', 'rke2', 'drills'],
}

/** What a user who copies scripts/create.ts has to copy too: it must not grow. */
const createTakes = { files: 69, lines: 6960 }

await t.test('a room imports only from those below it', async (t) => {
  const rooms = [
    ...new Set(
      sources
        .map(({ file }) => file)
        .filter((file) => file.startsWith('lib/'))
        .map(roomOf),
    ),
  ]
  t.strictSame(
    rooms.filter((room) => !mayImport[room]),
    [],
    'every room has its rule',
  )
  const found = sources
    .filter(({ file }) => file.startsWith('lib/'))
    .flatMap((source) => {
      const room = roomOf(source.file)
      return ownImports(source)
        .filter((to) => roomOf(to) !== room && !mayImport[room]?.includes(roomOf(to)))
        .map((to) => `${source.file} -> ${to}`)
    })
  t.strictSame(found, [])
})

await t.test('no file of lib is longer than 200 lines', async (t) => {
  const long = sources.filter(({ file, text }) => file.startsWith('lib/') && linesOf(text) > 200)
  t.strictSame(
    long.map(({ file }) => file),
    [],
  )
})

await t.test('no import cycles', async (t) => {
  const graph = new Map(sources.map((source) => [source.file, ownImports(source)]))
  const circles: string[] = []
  const walk = (file: string, path: string[]): void => {
    if (path.includes(file))
      return void circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    for (const next of graph.get(file) ?? []) walk(next, [...path, file])
    graph.set(file, []) // seen
  }
  for (const file of graph.keys()) walk(file, [])
  t.strictSame(circles, [])
})

await t.test('scripts import only lib; nothing imports scripts or tests', async (t) => {
  const broken = sources.flatMap(({ file, imports }) =>
    imports
      .filter(
        (name) =>
          /scripts\/|tests\//.test(name) || (file.startsWith('scripts/') && name.startsWith('./')),
      )
      .map((name) => `${file}: ${name}`),
  )
  t.strictSame(broken, [])
  for (const { file, text } of sources.filter(({ file }) => file.startsWith('scripts/'))) {
    t.match(text, /^#!\/usr\/bin\/env zx\n\/\/ /, file)
    t.notMatch(text, /^export /m, file)
  }
})

await t.test('what create.ts imports does not grow', async (t) => {
  const taken = new Set<string>()
  const take = (file: string): void => {
    const source = sources.find((one) => one.file === file)
    if (!source || taken.has(file)) return
    taken.add(file)
    for (const next of ownImports(source)) take(next)
  }
  take('scripts/create.ts')
  const lib = sources.filter(({ file }) => file.startsWith('lib/') && taken.has(file))
  const lines = lib.reduce((sum, { text }) => sum + linesOf(text), 0)
  t.comment(`create.ts takes ${lib.length} files of lib along, ${lines} lines`)
  t.ok(lib.length > 10, 'they were found')
  t.ok(lib.length <= createTakes.files, `${lib.length} files`)
  t.ok(lines <= createTakes.lines, `${lines} lines`)
})

const pure = sources.filter(({ text }) => /^(#!.*\n)?\/\/ PURE\./.test(text))
const isPure = (path: string) => pure.some(({ file }) => file === path)

await t.test('pure files import only pure files and libraries without effects', async (t) => {
  t.ok(pure.length > 15)
  const allowed = [
    'yaml',
    'zod',
    'minimist',
    'fast-xml-parser',
    'ipaddr.js',
    'cli-table3',
    'node:crypto',
    'node:module',
    'node:path',
  ]
  const broken = pure.flatMap(({ file, imports }) =>
    imports
      .filter((name) => !isPure(join(file, '..', name)) && !allowed.includes(name))
      .map((name) => `${file}: ${name}`),
  )
  t.strictSame(broken, [])
})

await t.test('pure files know no clock, no chance, no environment', async (t) => {
  const effects =
    /\b(Date\.now|new Date|performance\.|Math\.random|random\w+\(|process\.|globalThis|setTimeout|fetch\()/
  const broken = pure.flatMap(({ file, text }) =>
    text
      .split('\n')
      .filter((line) => effects.test(line.replace(/\/\/.*|\/\*.*|^ \*.*/, '')))
      .map((line) => `${file}: ${line.trim()}`),
  )
  t.strictSame(broken, [])
})

await t.test('only the door to a node knows how to call ssh and scp', async (t) => {
  const users = sources
    .filter(({ file, text }) => /\bssh\(|sh`scp|\.sshConfig/.test(text) && roomOf(file) !== 'guest')
    .map(({ file }) => file)
  t.strictSame(users, [])
})

await t.test(
  'every command goes through the one door, and code passes no string to a shell',
  async (t) => {
    const users = sources.filter(({ imports }) =>
      imports.some((name) => name === 'zx' || name === 'zx/core' || name === 'node:child_process'),
    )
    t.strictSame(
      users.map(({ file }) => file),
      ['lib/shell/bash.ts', 'lib/shell/lock.ts'],
    )
  },
)
