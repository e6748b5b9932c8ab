// Sizes.
import t from 'tap'
import { formatSize, parseSize } from '../../lib/text/size.ts'

await t.test('sizes are parsed and formatted for people', async (t) => {
  t.equal(parseSize('4GiB'), 2 ** 32)
  t.equal(parseSize('40G'), 40 * 2 ** 30)
  t.equal(parseSize('512MiB'), 2 ** 29)
  t.equal(parseSize('2T'), 2 ** 41)
  for (const text of ['', '4', '4gib', '4GB', '-4GiB', '0GiB', '1.5GiB', '4GiB ', '4Gi', '1e3G'])
    t.equal(parseSize(text), undefined, text)
  const shown: [number, string][] = [
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1023 B'],
    [2048, '2 KiB'],
    [1.5 * 2 ** 30, '1.5 GiB'],
    [171.3 * 2 ** 20, '171 MiB'],
    [2 ** 60, '1048576 TiB'],
  ]
  for (const [bytes, text] of shown) t.equal(formatSize(bytes), text)
})
