#!/usr/bin/env zx
// npm run docs: rewrites what the pages take from the code. tests/docs/pages.test.ts fails when that is due.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { top } from '../helpers/fixtures.ts'
import { withBlocks } from './blocks.ts'
import { pageFiles, readPage } from './pages.ts'

for (const file of pageFiles()) {
  const page = readPage(file)
  const made = await withBlocks(page, file)
  if (made === page) continue
  writeFileSync(join(top, file), made)
  console.log(`wrote ${file}`)
}
