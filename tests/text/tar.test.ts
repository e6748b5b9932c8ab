// Archives as tar reads them; that it does is seen in tests/scripts/logs.test.ts.
import t from 'tap'
import { tar } from '../../lib/text/tar.ts'

await t.test('blocks of 512 bytes, with names of any depth', (t) => {
  const node = 'n'.repeat(63)
  const archive = tar(
    [
      { path: 'a', text: 'ü'.repeat(256) }, // a whole block
      { path: `lab-20261126T065012Z/nodes/${node}/kubernetes-events.txt`, text: '' },
    ],
    0o1234,
  )
  t.equal(archive.length, 512 * 5, 'two heads, one block of text, two empty ones at the end')
  const field = (at: number, length: number) =>
    archive.toString('latin1', at, at + length).replace(/\0.*/s, '')
  t.strictSame(
    [field(0, 100), field(100, 8), field(124, 12), field(136, 12), field(257, 5), field(345, 155)],
    ['a', '0000600', '00000001000', '00000001234', 'ustar', ''],
  )
  const head = archive.subarray(0, 512)
  const sum = head.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0)
  t.equal(parseInt(field(148, 8), 8), sum)
  t.strictSame(
    [field(1024, 100), field(1024 + 345, 155)],
    ['kubernetes-events.txt', `lab-20261126T065012Z/nodes/${node}`],
  )
  t.equal(tar([], 0).length, 1024)
  t.end()
})
