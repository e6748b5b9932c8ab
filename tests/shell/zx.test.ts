// zx as this project imports it.
import t from 'tap'
import { $ } from 'zx/core'

await t.test('zx gives what the code imports from it', async (t) => {
  t.type($, 'function')
})
