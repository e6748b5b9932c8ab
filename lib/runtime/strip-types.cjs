// Module hook for Node < 24: strips the types from this project's .ts files and caches the result in
// node_modules/.cache, so that the stripper is loaded only when a file has changed.
const { createHash } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { fileURLToPath } = require('node:url')

const cache = join(__dirname, '../../node_modules/.cache/rke2-kvm-lab')

// A file of this project that is imported by its path: looking for it on disk, as Node does, takes longer.
exports.resolve = function resolve(specifier, context, next) {
  if (!/^\.\.?\/.*\.ts$/.test(specifier)) return next(specifier, context)
  const { href } = new URL(specifier, context.parentURL)
  return { url: href, format: 'module', shortCircuit: true }
}

exports.load = function load(url, context, next) {
  if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context)
  return { format: 'module', shortCircuit: true, source: strippedSource(fileURLToPath(url)) }
}

function strippedSource(path) {
  const source = readFileSync(path, 'utf8')
  const cached = join(cache, createHash('sha256').update(source).digest('hex') + '.mjs')
  try {
    return readFileSync(cached, 'utf8')
  } catch {
    const { transformSync } = require('amaro')
    const { code } = transformSync(source, { mode: 'strip-only', filename: path })
    keep(cached, code)
    return code
  }
}

function keep(file, code) {
  const partial = `${file}.${process.pid}`
  try {
    mkdirSync(cache, { recursive: true })
    writeFileSync(partial, code)
    renameSync(partial, file)
  } catch {
    // without the cache (a read-only checkout) the types are stripped again each time
  }
}
