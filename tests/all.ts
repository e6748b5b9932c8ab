// npm test: the fast tests in one process, for starting one for each would take longer than they do; every other file in one
// its own. Or the files that are named.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { otherTests } from './helpers/fast.ts'

const words = process.argv.slice(2)
const files = words.some((word) => !word.startsWith('-')) ? [] : ['tests/fast.ts', ...otherTests]
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}) // tap ends by itself
const prepared = mkdtempSync(join(tmpdir(), 'prepared-'))
const { status } = spawnSync('tap', [...words, ...files], {
  stdio: 'inherit',
  env: { ...process.env, PREPARED: prepared },
})
rmSync(prepared, { recursive: true, force: true })
process.exitCode = status ?? 1
