// Serves a folder of files inside the stand-in host, in the place of a download mirror.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Host } from './host.ts'

export interface MirrorRequest {
  method: string
  path: string
  range: string | null
  status: number
  /** Bytes of the body that were sent. */
  bytes: number
}

export interface Mirror {
  url: string
  /** The requests that are over, in order. */
  requests(): Promise<MirrorRequest[]>
  stop(): Promise<void>
}

export interface MirrorOptions {
  address?: string
  /** Break every connection after so many bytes of a body. */
  cutAfter?: number
}

/** Serves a folder on this machine, at all of its addresses. */
export async function serveFolder(folder: string): Promise<{ server: ChildProcess; port: number }> {
  const port = 20_000 + (process.pid % 10_000)
  const here = import.meta.dirname
  const register = join(here, '../../lib/runtime/register.cjs')
  const words = [
    join(here, 'http-server.ts'),
    resolve(folder),
    '0.0.0.0',
    String(port),
    '/dev/null',
  ]
  const server = spawn(process.execPath, ['--no-warnings', '--import', register, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(server.stdout, 'data')
  return { server, port }
}

export async function serveFiles(
  host: Host,
  folder: string,
  port: number,
  { address = '192.168.1.1', cutAfter }: MirrorOptions = {},
): Promise<Mirror> {
  const scratch = mkdtempSync(join(tmpdir(), 'rkl-mirror-'))
  const log = join(scratch, 'requests')
  const here = import.meta.dirname
  const node = [
    process.execPath,
    '--no-warnings',
    '--import',
    join(here, '../../lib/runtime/register.cjs'),
  ]
  const server = [join(here, 'http-server.ts'), resolve(folder), address, String(port), log]
  if (cutAfter !== undefined) server.push(String(cutAfter))
  const child = host.spawn([...node, ...server])
  let errors = ''
  child.stderr!.on('data', (data) => (errors += data))
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const ready = await Promise.race([
    new Promise<boolean>((done) => child.stdout!.once('data', () => done(true))),
    ended.then(() => false),
  ])
  if (!ready) throw new Error(`the file server did not start:\n${errors}`)

  return {
    url: `http://${address}:${port}`,

    async requests() {
      const text = await readFile(log, 'utf8').catch(() => '')
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as MirrorRequest)
    },

    async stop() {
      host.signal(child, 'SIGKILL', { group: true })
      await ended
      await rm(scratch, { recursive: true, force: true })
    },
  }
}
