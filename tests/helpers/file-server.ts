// A server on the loopback for curl to fetch from, and its own cache. Imported before the shell, which takes the
// environment as it is then.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { LabError } from '../../lib/text/errors.ts'

process.env.no_proxy = process.env.NO_PROXY = '127.0.0.1'
export const folder = t.testdir()
process.env.XDG_CACHE_HOME = join(folder, 'cache')

export const noCurl = spawnSync('curl', ['--version']).status !== 0 && 'curl is not installed'
export const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')

/** Names -> contents. */
export const files = new Map<string, Buffer | string>()
/** `cut` breaks each answer after so many bytes; without `ranges` each answer is the whole. */
export const serve = { cut: Infinity, ranges: true }
/** What was asked for: method, path and first byte. */
export const asked: string[] = []

const server = createServer((request, response) => {
  const data = files.get((request.url ?? '').slice(1))
  const range = serve.ranges ? request.headers.range : undefined
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
  else if (body.length <= serve.cut) response.end(body)
  else response.write(body.subarray(0, serve.cut), () => response.destroy())
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
t.teardown(() => server.close())
export const url = (name: string) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`

/** The error of something that must fail, with what was shown meanwhile kept off the screen. */
export async function failure(t: Test, work: Promise<unknown>): Promise<LabError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  t.ok(error instanceof LabError, String(error))
  return error as LabError
}
export const quietly = (t: Test) => t.capture(process.stderr, 'write')
