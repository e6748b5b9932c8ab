// Adds up tap's closing lines, "# { total: 24, pass: 21, fail: 1, skip: 2 }", of the outputs named, and ends with
// "N passed, N failed". Exit status 1 unless every output has one and none counts a failure.
import { readFileSync } from 'node:fs'

const totals = { pass: 0, fail: 0, skip: 0, todo: 0 }
let complete = true
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8').replace(/\x1b\[[0-9;]*m/g, '') // eslint-disable-line no-control-regex
  const closing = [...text.matchAll(/^# \{ (total: \d+.*?) \}$/gm)].at(-1)?.[1]
  if (!closing) {
    console.error(`${file}: no closing line of tap`)
    complete = false
  }
  for (const [, name, count] of (closing ?? '').matchAll(/(\w+): (\d+)/g))
    if (name in totals) totals[name] += Number(count)
}
if (totals.skip + totals.todo > 0) console.log(`${totals.skip + totals.todo} skipped`)
console.log(`${totals.pass} passed, ${totals.fail} failed`)
process.exitCode = complete && totals.pass > 0 && totals.fail === 0 ? 0 : 1
