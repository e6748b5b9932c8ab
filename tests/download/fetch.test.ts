// Downloads by real curl.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import {
  asked,
  failure,
  files,
  folder,
  noCurl,
  quietly,
  serve,
  sha256,
  url,
} from '../helpers/file-server.ts'
import type { Digest } from '../../lib/download/checksums.ts'
import { fetchChecked, fetchText } from '../../lib/download/fetch.ts'
import { fetchListed } from '../../lib/download/listed.ts'
import { working } from '../../lib/shell/carry-out.ts'
import { inOrder, sh, type Step } from '../../lib/shell/steps.ts'
import { until } from '../../lib/shell/wait.ts'

const carryOut = (steps: Step[]) => working().apply(inOrder('Download', steps))
const download = (from: string, file: string, digest: Digest) =>
  carryOut([sh`mkdir -p ${dirname(file)}`, ...fetchChecked(from, file, digest)])

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
    /\$ mkdir -p .*\n +\$ test -e \S+image \|\| flock \S+image\.part curl .*--continue-at - /,
  )
})

await t.test('one that breaks is kept and resumed', { skip: noCurl }, async (t) => {
  quietly(t)
  const data = Buffer.from('0123456789'.repeat(10_000))
  files.set('big', data)
  const file = join(folder, 'big')
  const digest = { algorithm: 'sha256', hex: sha256(data) } as const
  serve.cut = 60_000
  const error = await failure(t, download(url('big'), file, digest))
  serve.cut = Infinity
  t.ok(error.message.startsWith(`cannot download ${url('big')}: the connection broke (curl: (18) `))
  t.strictSame(error.details, [
    'the part that was downloaded is kept; the next run continues from there',
  ])
  t.equal(statSync(`${file}.part`).size, 60_000)

  asked.length = 0
  await download(url('big'), file, digest)
  t.strictSame(asked, ['GET /big 60000'])
  t.ok(readFileSync(file).equals(data))

  await t.test('from the start where the server knows no byte ranges', async (t) => {
    rmSync(file)
    writeFileSync(`${file}.part`, data.subarray(0, 60_000))
    serve.ranges = false
    await download(url('big'), file, digest).finally(() => (serve.ranges = true))
    t.ok(readFileSync(file).equals(data))
  })

  await t.test('a complete one that was not checked yet is not fetched again', async () => {
    rmSync(file)
    writeFileSync(`${file}.part`, data)
    asked.length = 0
    await download(url('big'), file, digest)
    t.strictSame(asked, [])
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
  const processes = () => spawnSync('ps', ['-ewwo', 'args'], { encoding: 'utf8' }).stdout
  await comes(() => processes().includes(`flock ${part} curl`))
  orphan.stdin.end(data)
  await work
  t.equal(readFileSync(file, 'utf8'), data)
  t.equal(asked[0], 'GET /slow 100000', 'nothing twice')
})

await t.test('one with a wrong digest is removed', { skip: noCurl }, async (t) => {
  quietly(t)
  files.set('evil', 'something else')
  const file = join(folder, 'evil')
  const work = download(url('evil'), file, { algorithm: 'sha512', hex: '0'.repeat(128) })
  const { message, details } = await failure(t, work)
  t.match(message, 'does not have the expected digest')
  t.match(details, [`expected sha512 ${'0'.repeat(128)}`, 'the download was removed'])
  t.notOk(existsSync(file) || existsSync(`${file}.part`))
})

await t.test('a file of a list is checked by its line there', { skip: noCurl }, async (t) => {
  quietly(t)
  const [file, sums] = [join(folder, 'a.tar.gz'), join(folder, 'sums')]
  files.set('a.tar.gz', 'archive')
  const fetch = () => carryOut(fetchListed(url('a.tar.gz'), file, 'a.tar.gz', sums))

  writeFileSync(sums, `${sha256('archive')}  aXtar.gz\n`)
  t.equal((await failure(t, fetch())).message, `${sums} has no line for a.tar.gz`)

  writeFileSync(sums, `${sha256('another')}  a.tar.gz\n`)
  t.match((await failure(t, fetch())).message, 'does not have the expected digest')
  t.strictSame(
    [file, `${file}.part`, sums].filter((one) => existsSync(one)),
    [],
    'either may be wrong, so both are fetched again',
  )

  writeFileSync(sums, `${sha256('other')}  b.tar.gz\n${sha256('archive')}  a.tar.gz\n`)
  await fetch()
  t.equal(readFileSync(file, 'utf8'), 'archive')
})

await t.test('a failed download says why', { skip: noCurl }, async (t) => {
  quietly(t)
  const digest = { algorithm: 'sha256', hex: '0'.repeat(64) } as const
  const missing = await failure(t, download(url('missing'), join(folder, 'missing'), digest))
  t.match(missing.message, /the server does not have it \(HTTP error\) \(curl: \(22\) .*404\)$/)
  t.strictSame(missing.details, [])
  t.match(await fetchText(url('missing')), { failed: /does not have it/, isAbsent: true })
  t.match(await fetchText('http://127.0.0.1:1/'), {
    failed: /^the server cannot be reached \(curl: \(7\) .*\)$/,
    isAbsent: false,
  })
  files.set('text', 'hello\n')
  t.match(await fetchText(url('text')), { text: 'hello\n' })
})
