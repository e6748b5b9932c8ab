// The largest packages of the scripts, loaded once: V8 keeps its heap with them in a file (node --build-snapshot), and a
// script that is started from that file (--snapshot-blob) takes them from there. They are plain JavaScript that looks at
// nothing outside. Scripts started by way of npx go without.
const fs = require('fs')
const { dirname, join, resolve } = require('path')
const { startupSnapshot } = require('v8')

const entries = ['zod/index.cjs', 'yaml/dist/index.js', 'fast-xml-parser/lib/fxp.cjs']
const unused = /\/zod\/v4\/locales\/index\.cjs$/ // see lib/runtime/packages.ts

function load(file, loaded) {
  if (loaded[file]) return loaded[file].exports
  const module = (loaded[file] = { exports: {} })
  if (unused.test(file)) return module.exports
  const source = `${fs.readFileSync(file, 'utf8')}\n//# sourceURL=${file}`
  // oxlint-disable-next-line typescript/no-implied-eval -- node:vm is not made for snapshots yet
  const run = new Function('exports', 'require', 'module', '__filename', '__dirname', source)
  const other = (name) => (name.startsWith('.') ? load(fileOf(file, name), loaded) : require(name))
  run.call(module.exports, module.exports, other, module, file, dirname(file))
  return module.exports
}

function fileOf(from, name) {
  const path = resolve(dirname(from), name)
  const files = ['', '.js', '.cjs', '/index.js', '/index.cjs'].map((end) => path + end)
  return files.find((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile())
}

if (startupSnapshot.isBuildingSnapshot()) {
  const packages = fs.realpathSync(join(__dirname, '../../node_modules'))
  globalThis.loadedPackages = {}
  for (const entry of entries) load(join(packages, entry), globalThis.loadedPackages)
} else if (globalThis.loadedPackages) {
  const Module = require('module')
  for (const [file, { exports }] of Object.entries(globalThis.loadedPackages))
    Module._cache[file] = Object.assign(new Module(file), { filename: file, loaded: true, exports })
  delete globalThis.loadedPackages
}
