// npm run test:fast: the tests that start no program and touch no network, all in one process; npm test runs this too.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fastTests } from './helpers/fast.ts'
import { top } from './helpers/fixtures.ts'

// tap names what it compares, and the file that it is kept in, after the program that runs.
const snapshots = fastTests
  .map((file) => join(top, 'tap-snapshots', `${file}.test.cjs`))
  .filter((file) => existsSync(file))
const all = join(top, '.tap/fast-snapshots.cjs')
mkdirSync(join(top, '.tap'), { recursive: true })
writeFileSync(
  all,
  `Object.assign(exports, ${snapshots.map((file) => `require(${JSON.stringify(file)})`).join(', ')})\n`,
)
t.setTimeout(300_000) // ten seconds, minutes beside other work
t.snapshotFile = all

for (const file of fastTests) {
  process.argv[1] = join(top, file)
  t.comment(file)
  const before = t.counts.total
  await import(join(top, file))
  t.ok(t.counts.total > before, `${file} has tests`)
}
