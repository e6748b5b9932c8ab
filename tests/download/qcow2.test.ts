// What the first bytes of an image tell.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { imageProblem, qcow2Header } from '../../lib/download/qcow2.ts'
import { top } from '../helpers/fixtures.ts'
import { qcow2 } from '../helpers/stand-ins.ts'

const headOf = (name: string) => readFileSync(join(top, 'tests/fixtures', name))
const starting = (...bytes: number[]) => Buffer.concat([Buffer.from(bytes), Buffer.alloc(100)])

await t.test('a qcow2 image that stands by itself is fine', async (t) => {
  t.equal(imageProblem(qcow2(2 ** 30), 'a.img'), undefined)
  const two = qcow2(2 ** 30)
  two.writeUInt32BE(2, 4) // compat 0.10: what stands at 72 is no field of its header
  two.writeBigUInt64BE(4n, 72)
  t.equal(imageProblem(two.subarray(0, qcow2Header), 'a.img'), undefined)
})

await t.test('what needs another file, or is no image, is refused with the way out', async (t) => {
  const found = (head: Buffer) => imageProblem(head, "it's.img")
  t.match(found(headOf('image-overlay.qemu-img.qcow2')), { found: /backing file/ })
  t.match(found(headOf('image-data-file.qemu-img.qcow2')), { found: /data file/ })
  t.strictSame(
    found(Buffer.alloc(100))?.fix[0],
    `qemu-img convert -O qcow2 'it'\\''s.img' 'it'\\''s.img.qcow2'`,
  )
  const packed: [Buffer, string][] = [
    [starting(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), 'xz'],
    [starting(0x1f, 0x8b, 8), 'gzip'],
    [starting(0x28, 0xb5, 0x2f, 0xfd), 'zstd'],
    [starting(0x42, 0x5a, 0x68, 0x39), 'bzip2'],
  ]
  for (const [head, program] of packed)
    t.match(found(head), {
      found: `is packed with ${program}`,
      fix: [new RegExp(`^${program} --decompress --stdout .* > .*unpacked`)],
    })
  const encrypted = qcow2(2 ** 30)
  encrypted.writeUInt32BE(2, 32)
  t.match(found(encrypted), { found: 'is encrypted' })
})
