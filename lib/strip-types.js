// Module hook for Node < 22.18: strips the types from this project's .ts files, keeping the result
// under node_modules/.cache so that the stripper is loaded only when a file has changed.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const cache = new URL('../node_modules/.cache/rke2-kvm-lab/', import.meta.url)

export async function load(url, context, next) {
  if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context)
  return { format: 'module', shortCircuit: true, source: await strippedSource(fileURLToPath(url)) }
}

async function strippedSource(path) {
  const source = await readFile(path, 'utf8')
  const cached = new URL(createHash('sha256').update(source).digest('hex') + '.mjs', cache)
  try {
    return await readFile(cached, 'utf8')
  } catch {
    const { transformSync } = await import('amaro')
    const { code } = transformSync(source, { mode: 'strip-only', filename: path })
    await keep(cached, code)
    return code
  }
}

async function keep(file, code) {
  const partial = new URL(`${file.href}.${process.pid}`)
  try {
    await mkdir(cache, { recursive: true })
    await writeFile(partial, code)
    await rename(partial, file)
  } catch {
    // a read-only checkout only costs the time of stripping again
  }
}
