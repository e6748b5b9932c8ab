// Which image a lab means, and by which digest.
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { asked, failure, files, folder, noCurl, sha256, url } from '../helpers/file-server.ts'
import { findImage as findImageOf, isCached } from '../../lib/download/image.ts'
import type { Lab } from '../../lib/lab/lab.ts'
import { working } from '../../lib/shell/carry-out.ts'
import { qcow2 } from '../helpers/stand-ins.ts'
import { makeLab } from '../helpers/labs.ts'

const { remember } = working()
const findImage = (lab: Lab) => findImageOf(lab, remember)
const labWith = (image: Record<string, unknown>) => makeLab((lab) => (lab.image = image))

await t.test('the digest of a publisher without a signature', { skip: noCurl }, async (t) => {
  const hex = 'ab'.repeat(64)
  files.set('12/image.qcow2', 'x')
  files.set('12/SHA512SUMS', `${hex}  image.qcow2\n`)
  const lab = labWith({ url: url('12/image.qcow2') })
  const image = await findImage(lab)
  t.match(image, { volume: 'base-abababababababab.qcow2', digest: { algorithm: 'sha512', hex } })
  t.notOk(isCached(image))
  asked.length = 0
  t.strictSame(await findImage(lab), image)
  t.match(
    asked.join(),
    /SHA512SUMS/,
    'without the image the publisher is asked again: it may have a newer one',
  )
  mkdirSync(dirname(image.file), { recursive: true })
  writeFileSync(image.file, 'x')
  asked.length = 0
  t.strictSame(await findImage(lab), image)
  t.strictSame(asked, [], 'with the image on this host the next run needs no network')
  rmSync(image.file)

  files.set('13/SHA256SUMS', `${'0'.repeat(64)}  other.qcow2\n`)
  const absent = await failure(t, findImage(labWith({ url: url('13/image.qcow2') })))
  t.match(absent.message, 'has no line for image.qcow2')
  const none = await failure(t, findImage(labWith({ url: url('14/image.qcow2') })))
  t.match(none.message, /^there is no checksum file beside /)
  t.match(none.details, [/^looked for SHA256SUMS, SHA512SUMS, CHECKSUM, /])
  const away = await failure(t, findImage(labWith({ url: 'http://127.0.0.1:1/15/image.qcow2' })))
  t.match(away.message, /^cannot get the checksums of /)
  t.match(away.details, [/SHA256SUMS: the server cannot be reached \(curl: \(7\)/])

  files.set('16/CHECKSUM', `SHA256 (image.qcow2) = ${'ab'.repeat(32)}\n`)
  t.match(await findImage(labWith({ url: url('16/image.qcow2') })), {
    digest: { algorithm: 'sha256' },
  })
})

await t.test('a pinned digest needs no checksum file', async (t) => {
  asked.length = 0
  const hex = 'cd'.repeat(32)
  const image = await findImage(labWith({ url: url('x/image.qcow2'), sha256: hex }))
  t.match(image, { volume: `base-${hex.slice(0, 16)}.qcow2`, file: /images\/cdcd.*-image\.qcow2$/ })
  t.strictSame(asked, [])
})

await t.test('a local image: its digest counts, and anything but qcow2 is refused', async (t) => {
  const file = join(folder, `it's $(id) & "x".qcow2`)
  writeFileSync(file, qcow2(2 ** 30))
  const hex = sha256(qcow2(2 ** 30))
  const image = await findImage(labWith({ file }))
  t.match(image, { file, digest: { hex }, volume: `base-${hex.slice(0, 16)}.qcow2` })
  t.ok(isCached(image))
  t.match(await findImage(labWith({ file, sha256: hex })), { file })

  const wrong = await failure(t, findImage(labWith({ file, sha256: '0'.repeat(64) })))
  t.match(wrong, { message: /is not the image that image\.sha256 pins$/ })
  t.strictSame(wrong.details, [`pinned ${'0'.repeat(64)}`, `found  ${hex}`])

  await t.test('a changed file is hashed again', async (t) => {
    writeFileSync(file, qcow2(2 ** 31))
    utimesSync(file, 1, 1)
    t.match(await findImage(labWith({ file })), { digest: { hex: sha256(qcow2(2 ** 31)) } })
  })
  writeFileSync(file, 'no image')
  t.match((await failure(t, findImage(labWith({ file })))).message, 'is not a qcow2 image')
  const gone = await failure(t, findImage(labWith({ file: join(folder, 'gone') })))
  t.match(gone.message, /^cannot read the image .*gone: ENOENT/)
})
