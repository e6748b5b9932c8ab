// `npm run test:e2e [NAME...]`: the end-to-end tests, one file after another; as root on Debian or Ubuntu.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { $ } from 'zx/core'

const folder = import.meta.dirname
const wanted = process.argv.slice(process.argv.findIndex((word) => word.endsWith('run.ts')) + 1)
const files = readdirSync(folder)
  .filter(
    (name) =>
      name.endsWith('.e2e.ts') &&
      (wanted.length === 0 || wanted.some((part) => name.startsWith(part))),
  )
  .map((name) => join(folder, name))
const { exitCode } = await $({
  stdio: 'inherit',
  nothrow: true,
})`npx tap --jobs=1 --timeout=2400 --disable-coverage --allow-empty-coverage ${files}`
process.exitCode = exitCode ?? 1
