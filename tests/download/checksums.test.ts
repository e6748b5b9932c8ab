// Checksum files, and who vouches for them.
import t from 'tap'
import {
  baseVolume,
  findDigest,
  isUnvouched,
  signedBy,
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
  t.notOk(signedBy('', primary))
  const trusted = [
    'https://a.test/x',
    'http://192.168.1.1/x',
    'http://localhost:80/x',
    'http://[::1]/x',
  ]
  for (const url of trusted) t.notOk(isUnvouched(url), url)
  for (const { host } of signers) t.notOk(isUnvouched(`http://${host}/x`), host)
  for (const url of ['http://a.test/x', 'http://1.1.1.1/x']) t.ok(isUnvouched(url), url)
  for (const { fingerprint } of signers) t.match(fingerprint, /^[0-9A-F]{40}$/)
})
