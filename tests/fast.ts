// npm run test:fast: the tests that start no program and touch no network, all in one process. Which ones these are is read
// from their imports; the others are left to npm test, which runs these too.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { top } from './helpers/fixtures.ts'
import { packagesBehind, sourcesIn } from './helpers/sources.ts'

const effects = [
  'zx',
  'zx/core',
  'node:child_process',
  'node:net',
  'node:tls',
  'node:http',
  'node:https',
]
const isFast = (file: string) => {
  const packages = packagesBehind(file)
  return !effects.some((name) => packages.has(name))
}

const files = sourcesIn('tests', '.test.ts')
  .map(({ file }) => file)
  .filter(isFast)

// tap names what it compares, and the file that it is kept in, after the program that runs.
const snapshots = files
  .map((file) => join(top, 'tap-snapshots', `${file}.test.cjs`))
  .filter((file) => existsSync(file))
const all = join(top, '.tap/fast-snapshots.cjs')
mkdirSync(join(top, '.tap'), { recursive: true })
writeFileSync(
  all,
  `Object.assign(exports, ${snapshots.map((file) => `require(${JSON.stringify(file)})`).join(', ')})\n`,
)
t.snapshotFile = all

for (const file of files) {
  process.argv[1] = join(top, file)
  t.comment(file)
  const before = t.counts.total
  await import(join(top, file))
  t.ok(t.counts.total > before, `${file} has tests`)
}
