// Images: digests, signatures and downloads, against a server on the loopback and real curl and gpg.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { LabError } from '../lib/text/errors.ts'
import { qcow2, top } from './helpers/fake-bin.ts'
import { makeLab } from './helpers/labs.ts'

process.env.no_proxy = process.env.NO_PROXY = '127.0.0.1' // before the shell's environment is taken
const { download, fetchText } = await import('../lib/download/fetch.ts')
const { findImage, isCached } = await import('../lib/download/image.ts')
const { checkDiskSizes } = await import('../lib/machine/base-volume.ts')
const { signers } = await import('../lib/download/checksums.ts')
const { until } = await import('../lib/shell/wait.ts')
const { checkSignature } = await import('../lib/download/published.ts')

const noCurl = spawnSync('curl', ['--version']).status !== 0 && 'curl is not installed'
const noGpg =
  spawnSync('gpg', ['--version']).status !== 0 || spawnSync('gpgv', ['--version']).status !== 0
    ? 'gpg and gpgv are not installed'
    : noCurl

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const folder = t.testdir()
process.env.XDG_CACHE_HOME = join(folder, 'cache')

// Names -> contents; `cut` breaks each answer after so many bytes; without `ranges` each answer is the whole.
const files = new Map<string, Buffer | string>()
let cut = Infinity
let ranges = true
const asked: string[] = []
const server = createServer((request, response) => {
  const data = files.get((request.url ?? '').slice(1))
  const range = ranges ? request.headers.range : undefined
  const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0)
  asked.push(`${request.method} ${request.url} ${from}`)
  if (data === undefined) return void response.writeHead(404).end('not found')
  if (from > 0 && from >= data.length) return void response.writeHead(416).end()
  const body = Buffer.from(data).subarray(from)
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': body.length,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` } : {}),
  })
  if (request.method === 'HEAD') response.end()
  else if (body.length <= cut) response.end(body)
  else response.write(body.subarray(0, cut), () => response.destroy())
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
t.teardown(() => server.close())
const url = (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`

/** The error of something that must fail, with what was shown meanwhile kept off the screen. */
async function failure(t: Test, work: Promise<unknown>): Promise<LabError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(error instanceof LabError, String(error))
  return error as LabError
}
const quietly = (t: Test) => t.capture(process.stderr, 'write')

await t.test('a download is kept when its digest is right', { skip: noCurl }, async (t) => {
  const shown = quietly(t)
  files.set('image', 'x'.repeat(1000))
  const file = join(folder, 'a/b/image')
  await download(url('image'), file, { algorithm: 'sha256', hex: sha256('x'.repeat(1000)) })
  t.equal(readFileSync(file, 'utf8').length, 1000)
  t.notOk(existsSync(`${file}.part`))
  t.match(
    shown()
      .map(({ args }) => args[0])
      .join(''),
    /\$ mkdir -p .* && flock \S+image\.part curl .*--continue-at - /,
  )
})

await t.test('one that breaks is kept and gone on with', { skip: noCurl }, async (t) => {
  quietly(t)
  const data = Buffer.from('0123456789'.repeat(10_000))
  files.set('big', data)
  const file = join(folder, 'big')
  const digest = { algorithm: 'sha256', hex: sha256(data) } as const
  cut = 60_000
  const error = await failure(t, download(url('big'), file, digest))
  cut = Infinity
  t.equal(error.message, `cannot download ${url('big')}: the connection broke`)
  t.strictSame(error.details, ['what came so far is kept; the next run goes on from there'])
  t.equal(statSync(`${file}.part`).size, 60_000)

  asked.length = 0
  await download(url('big'), file, digest)
  t.match(asked, ['HEAD /big 0', 'GET /big 60000'])
  t.ok(readFileSync(file).equals(data))

  await t.test('from the start where the server knows no byte ranges', async (t) => {
    rmSync(file)
    writeFileSync(`${file}.part`, data.subarray(0, 60_000))
    ranges = false
    await download(url('big'), file, digest).finally(() => (ranges = true))
    t.ok(readFileSync(file).equals(data))
  })

  await t.test('one that is whole, but was not checked yet, is not asked for again', async () => {
    rmSync(file)
    writeFileSync(`${file}.part`, data)
    asked.length = 0
    await download(url('big'), file, digest)
    t.strictSame(asked, ['HEAD /big 0'])
    t.ok(existsSync(file))
  })
})

await t.test('a curl that outlived its run is waited for', { skip: noCurl }, async (t) => {
  quietly(t)
  const data = 'x'.repeat(100_000)
  files.set('slow', data)
  const file = join(folder, 'slow')
  const part = `${file}.part`
  writeFileSync(part, '')
  // Holds the file as curl does, then writes the rest of it.
  const orphan = spawn('flock', [part, 'bash', '-c', 'cat >"$0"', part])
  const comes = (is: () => boolean) =>
    until(async () => (is() ? { done: true } : { state: '' }), { seconds: 20, every: 0.05 })
  await comes(() => spawnSync('flock', ['-n', part, 'true']).status !== 0)
  asked.length = 0
  const work = download(url('slow'), file, { algorithm: 'sha256', hex: sha256(data) })
  await comes(() => asked.length > 0)
  orphan.stdin.end(data)
  await work
  t.equal(readFileSync(file, 'utf8'), data)
  t.strictSame(asked.slice(0, 2), ['HEAD /slow 0', 'GET /slow 100000'], 'nothing twice')
})

await t.test('one with a wrong digest is thrown away', { skip: noCurl }, async (t) => {
  quietly(t)
  files.set('evil', 'something else')
  const file = join(folder, 'evil')
  const work = download(url('evil'), file, { algorithm: 'sha512', hex: '0'.repeat(128) })
  const { message, details } = await failure(t, work)
  t.match(message, 'does not have the digest that it should have')
  t.match(details, [`expected sha512 ${'0'.repeat(128)}`, 'the download was thrown away'])
  t.notOk(existsSync(file) || existsSync(`${file}.part`))
})

await t.test('why a download fails is told in words', { skip: noCurl }, async (t) => {
  quietly(t)
  const digest = { algorithm: 'sha256', hex: '0'.repeat(64) } as const
  const missing = await failure(t, download(url('missing'), join(folder, 'missing'), digest))
  t.match(missing.message, /the server does not have it \(HTTP error\)$/)
  t.strictSame(missing.details, [])
  t.match(await fetchText(url('missing')), { failed: /does not have it/ })
  t.match(await fetchText('http://127.0.0.1:1/'), { failed: 'the server cannot be reached' })
  files.set('text', 'hello\n')
  t.match(await fetchText(url('text')), { text: 'hello\n' })
})

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
  t.strictSame(asked, [], 'with the image at hand the next run needs no network')
  rmSync(image.file)

  files.set('13/SHA256SUMS', `${'0'.repeat(64)}  other.qcow2\n`)
  const absent = await failure(t, findImage(labWith({ url: url('13/image.qcow2') })))
  t.match(absent.message, 'has no line for image.qcow2')
  const none = await failure(t, findImage(labWith({ url: url('14/image.qcow2') })))
  t.match(none.message, /^cannot get the checksums of /)
  t.match(none.details, [/SHA256SUMS: the server does not/, /SHA512SUMS: the server does not/])
})

await t.test('a pinned digest needs no checksum file', async (t) => {
  asked.length = 0
  const hex = 'cd'.repeat(32)
  const image = await findImage(labWith({ url: url('x/image.qcow2'), sha256: hex }))
  t.match(image, { volume: `base-${hex.slice(0, 16)}.qcow2`, file: /images\/cdcd.*-image\.qcow2$/ })
  t.strictSame(asked, [])
})

await t.test('an image at hand: its digest decides, and what is no qcow2 is refused', async (t) => {
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

  await t.test('a file that changed is hashed anew', async (t) => {
    writeFileSync(file, qcow2(2 ** 31))
    utimesSync(file, 1, 1)
    t.match(await findImage(labWith({ file })), { digest: { hex: sha256(qcow2(2 ** 31)) } })
  })
  writeFileSync(file, 'no image')
  t.match((await failure(t, findImage(labWith({ file })))).message, 'is not a qcow2 image')
  const gone = await failure(t, findImage(labWith({ file: join(folder, 'gone') })))
  t.match(gone.message, /^cannot read the image .*gone: ENOENT/)
})

await t.test('an image must fit on every disk', async (t) => {
  const lab = makeLab((raw) => (raw.nodes[1]!.disk = '60GiB'))
  t.doesNotThrow(() => checkDiskSizes(lab, 40 * 2 ** 30))
  t.throws(() => checkDiskSizes(lab, 50 * 2 ** 30), {
    message: 'kubemaster, worker02: the disk is smaller than the image (50 GiB)',
  })
})

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
  const signer = { host: 'example.org', keyring: keyring('one.gpg', fingerprint), fingerprint }
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
