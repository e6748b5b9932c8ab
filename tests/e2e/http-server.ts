// A plain static file server with Range support: it plays a download mirror.
// Arguments: FOLDER ADDRESS PORT LOG [CUT]. One JSON line per request goes to LOG once it is over;
// with CUT, each connection is broken after so many bytes of a body.
import { appendFileSync, createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, normalize } from 'node:path'
import { Transform } from 'node:stream'

const [folder, address, port, log, cut] = process.argv.slice(2)
if (!folder || !address || !port || !log) throw new Error('usage: FOLDER ADDRESS PORT LOG [CUT]')
const limit = cut === undefined ? Infinity : Number(cut)

const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname)
  const file = join(folder, normalize(path))
  const range = request.headers.range ?? null
  let bytes = 0
  let noted = false
  const note = () => {
    if (noted) return
    noted = true
    const line = { method: request.method, path, range, status: response.statusCode, bytes }
    appendFileSync(log, JSON.stringify(line) + '\n')
  }
  response.on('close', note)

  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) {
    response.writeHead(404)
    note()
    response.end()
    return
  }
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? '')
  const first = match ? Number(match[1]) : 0
  const last = Math.min(match?.[2] ? Number(match[2]) : Infinity, stat.size - 1)
  const etag = `"${stat.size}-${stat.mtimeMs}"`
  const headers = { 'accept-ranges': 'bytes', etag, 'last-modified': stat.mtime.toUTCString() }
  if (match && first > last) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${stat.size}` }).end()
    return
  }
  const part = match ? { 'content-range': `bytes ${first}-${last}/${stat.size}` } : {}
  const length = { 'content-length': String(stat.size === 0 ? 0 : last - first + 1) }
  response.writeHead(match ? 206 : 200, { ...headers, ...part, ...length })
  if (request.method === 'HEAD' || stat.size === 0) {
    response.end()
    return
  }
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const rest = limit - bytes
      const piece = chunk.length > rest ? chunk.subarray(0, rest) : chunk
      bytes += piece.length
      // Before the client can have it all: a test may read the log right then.
      if (bytes === last - first + 1 || bytes === limit) note()
      if (piece.length === chunk.length) return done(null, piece)
      response.write(piece, () => response.destroy())
    },
  })
  createReadStream(file, { start: first, end: last }).pipe(meter).pipe(response)
})
server.listen(Number(port), address, () => console.log('listening'))
