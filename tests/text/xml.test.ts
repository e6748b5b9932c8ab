// XML with hostile text, read back by a parser.
import t from 'tap'
import { xml } from '../../lib/text/xml.ts'
import { hostileStrings } from '../helpers/labs.ts'
import { parseXml } from '../helpers/xml.ts'

await t.test('a parser returns what was put into XML unchanged', async (t) => {
  for (const text of [...hostileStrings, ']]>', '&amp;', 'ä€😀']) {
    const { a } = parseXml(xml`<a b='${text}' c="${text}">${text}</a>`.text)
    t.strictSame([a['#text'], a['@b'], a['@c']], [text, text, text])
  }
})

await t.test('finished XML is not escaped twice, and numbers are allowed', async (t) => {
  const inner = xml`<b c='${'&'}'/>`
  t.equal(xml`<a n='${4}'>${inner}</a>`.text, `<a n='4'><b c='&amp;'/></a>`)
})
