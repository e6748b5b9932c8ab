// Signatures of checksum files, by real gpg.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import t from 'tap'
import { failure, files, folder, noCurl, url } from '../helpers/file-server.ts'
import { signers } from '../../lib/download/checksums.ts'
import { checkSignature } from '../../lib/download/published.ts'
import { top } from '../helpers/fixtures.ts'

const noGpg =
  spawnSync('gpg', ['--version']).status !== 0 || spawnSync('gpgv', ['--version']).status !== 0
    ? 'gpg and gpgv are not installed'
    : noCurl

await t.test('the keyring for Ubuntu holds the pinned key, and no other', { skip: noGpg }, (t) => {
  for (const { keyring, fingerprint } of signers) {
    const words = ['--homedir', t.testdir(), '--with-colons', '--show-keys', join(top, keyring)]
    const shown = execFileSync('gpg', words, { encoding: 'utf8', stdio: 'pipe' })
    t.strictSame(
      [...shown.matchAll(/^pub:.*\n(?:fpr:+(\w+):)/gm)].map(([, key]) => key),
      [fingerprint],
    )
  }
  t.end()
})

await t.test('a checksum file must be signed by the pinned key', { skip: noGpg }, async (t) => {
  // Short, for the sockets of gpg's agent.
  const home = mkdtempSync(join(tmpdir(), 'rkl-gpg-'))
  const env = { ...process.env, GNUPGHOME: home }
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--batch', '--quiet', ...args], { env, stdio: 'pipe' })
  t.teardown(() => {
    spawnSync('gpgconf', ['--kill', 'all'], { env })
    rmSync(home, { recursive: true, force: true })
  })
  const makeKey = (name: string) => {
    gpg('--passphrase', '', '--quick-gen-key', `${name}@example.org`, 'ed25519', 'sign', 'never')
    const listed = gpg('--with-colons', '--list-keys', `${name}@example.org`).toString()
    return /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? ''
  }
  const fingerprint = makeKey('publisher')
  const other = makeKey('other')
  const keyring = (name: string, ...keys: string[]) => {
    gpg('--output', join(home, name), '--export', ...keys)
    return relative(top, join(home, name))
  }
  const sums = join(folder, 'SHA256SUMS')
  const sign = (text: string, key: string) => {
    writeFileSync(sums, text)
    gpg('--yes', '--local-user', key, '--output', `${sums}.gpg`, '--detach-sign', sums)
    files.set('SHA256SUMS.gpg', readFileSync(`${sums}.gpg`))
  }
  const signer = {
    host: 'example.org',
    folder: '/',
    suffix: '.gpg' as const,
    keyring: keyring('one.gpg', fingerprint),
    fingerprint,
  }
  const check = () => checkSignature(sums, url('SHA256SUMS.gpg'), signer)

  sign('good\n', fingerprint)
  await t.resolves(check())

  await t.test('not when the file was tampered with', async (t) => {
    writeFileSync(sums, 'evil\n')
    const { message, details } = await failure(t, check())
    t.equal(message, 'the checksum file of example.org is not signed by its publisher')
    t.match(details, [`expected key ${fingerprint}`])
  })
  await t.test('not when another key signed it, even one in the keyring', async (t) => {
    sign('good\n', other)
    await failure(t, check())
    const both = { ...signer, keyring: keyring('both.gpg', fingerprint, other) }
    const error = await failure(t, checkSignature(sums, url('SHA256SUMS.gpg'), both))
    t.match(error.message, 'is not signed by its publisher')
  })
  await t.test('not when there is no signature', async (t) => {
    files.delete('SHA256SUMS.gpg')
    t.match((await failure(t, check())).message, /^cannot get the signature .*does not have it/)
    files.set('SHA256SUMS.gpg', 'nonsense')
    await failure(t, check())
  })
})
