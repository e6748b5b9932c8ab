// The pages say what the code does.
import t from 'tap'
import { withBlocks } from './docs/blocks.ts'
import { pageFiles, readPage } from './docs/pages.ts'

t.setTimeout(300_000) // seconds by itself, minutes beside tests that want the processor

await t.test('what the pages take from the code is up to date', async (t) => {
  for (const file of pageFiles()) {
    const page = readPage(file)
    t.equal(page, await withBlocks(page), `${file} (npm run docs makes it anew)`)
  }
})
