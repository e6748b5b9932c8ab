// Checksum files, and who vouches for them.
import t from 'tap'
import {
  baseVolume,
  checksumFiles,
  findDigest,
  isUnvouched,
  signedBy,
  signerOf,
  signers,
} from '../../lib/download/checksums.ts'

await t.test('the digest of an image is found in checksum files of both kinds', async (t) => {
  const [short, long] = ['0a'.repeat(32), 'bc'.repeat(64)]
  const ubuntu = `${short} *noble.img\n${'f'.repeat(64)} *noble.img.manifest\n`
  t.strictSame(findDigest(ubuntu, 'noble.img'), { algorithm: 'sha256', hex: short })
  t.strictSame(findDigest(`${long}  debian.qcow2\n`, 'debian.qcow2'), {
    algorithm: 'sha512',
    hex: long,
  })
  t.equal(findDigest(ubuntu, 'noble'), undefined)
  t.equal(findDigest(ubuntu, 'n.ble.img'), undefined)
  t.equal(findDigest('<html>not found</html>', 'noble.img'), undefined)
  t.equal(findDigest(`${short.toUpperCase()} *noble.img`, 'noble.img'), undefined)
  t.strictSame(findDigest(`${short} leap.qcow2`, 'leap.qcow2'), { algorithm: 'sha256', hex: short })
  const rocky = `# a.qcow2: 640000000 bytes\nSHA256 (a.qcow2) = ${short}\nSHA512 (b.qcow2) = ${long}\n`
  t.strictSame(findDigest(rocky, 'a.qcow2'), { algorithm: 'sha256', hex: short }, "BSD's form")
  t.strictSame(findDigest(rocky, 'b.qcow2'), { algorithm: 'sha512', hex: long })
  t.equal(findDigest(rocky, 'c.qcow2'), undefined)
  t.match(checksumFiles('a.qcow2'), ['SHA256SUMS', 'SHA512SUMS', 'CHECKSUM'])
  t.equal(baseVolume({ algorithm: 'sha256', hex: short }), 'base-0a0a0a0a0a0a0a0a.qcow2')
})

await t.test('only a valid signature by the pinned key counts', async (t) => {
  const [primary, sub] = ['A'.repeat(40), 'B'.repeat(40)]
  const valid = `[GNUPG:] VALIDSIG ${sub} 2026-01-01 1767225600 0 4 0 1 10 00 ${primary}`
  t.ok(signedBy(`[GNUPG:] NEWSIG\n${valid}\n`, primary))
  t.ok(signedBy(valid, sub))
  t.notOk(signedBy(valid, 'C'.repeat(40)))
  t.notOk(signedBy(valid.replace('VALIDSIG', 'BADSIG'), primary))
  t.notOk(signedBy(valid.replace('VALIDSIG', 'EXPKEYSIG'), primary))
  t.ok(signedBy(`[GNUPG:] EXPKEYSIG ${sub} me\n${valid}`, primary), 'an expired key, pinned here')
  for (const word of ['EXPSIG', 'REVKEYSIG', 'BADSIG'])
    t.notOk(signedBy(`[GNUPG:] ${word} ${sub} me\n${valid}`, primary), word)
  t.notOk(signedBy('', primary))
  const trusted = [
    'https://a.test/x',
    'http://192.168.1.1/x',
    'http://localhost:80/x',
    'http://[::1]/x',
  ]
  for (const url of trusted) t.notOk(isUnvouched(url), url)
  for (const { host, folder } of signers) t.notOk(isUnvouched(`http://${host}${folder}/x`), host)
  t.equal(signerOf('https://dl.rockylinux.org/pub/rocky/9/x'), undefined, 'Rocky 9 signs nothing')
  for (const url of ['http://a.test/x', 'http://1.1.1.1/x']) t.ok(isUnvouched(url), url)
  for (const { fingerprint } of signers) t.match(fingerprint, /^[0-9A-F]{40}$/)
})
