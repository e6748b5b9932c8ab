// Columns.
import t from 'tap'
import { table } from '../../lib/text/table.ts'

await t.test('a table has aligned columns, without frame, colour or trailing blanks', async (t) => {
  const text = table(
    ['NODE', 'STATE', ''],
    [
      ['a', 'running', ''],
      ['longer-name', '-', 'x y'],
    ],
  )
  t.equal(text, 'NODE         STATE\na            running\nlonger-name  -        x y')
})
