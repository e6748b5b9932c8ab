// npm and npx load this before every script (.npmrc, node-options). Node 24 runs TypeScript by itself and caches the
// result; for older versions this registers strip-types.cjs, in the same thread where Node can (22.15 and newer).
// Any Node from 12.17 on can read this file: one that is too old for the scripts learns that here.
const { existsSync } = require('fs')
const nodeModule = require('module')
const { basename, join } = require('path')
const { pathToFileURL } = require('url')
const { isMainThread } = require('worker_threads')
const { tooOld } = require('./old-node.cjs')

// Node 20 runs hooks in a separate thread, which loads this too; if it ended there, everything would wait for it.
if (isMainThread) register()

function register() {
  delete process.env.NODE_OPTIONS // programs started by the scripts must not inherit it
  const trouble = tooOld(process.versions.node) || notLinux() || lacksPackages()
  if (trouble) {
    process.stderr.write('\u2717 ' + trouble + '\n')
    process.exit(1)
  }

  // Not by --disable-warning in node-options: a Node that does not know an option does not start.
  const { emitWarning } = process
  process.emitWarning = function (warning, options, code) {
    const { type, code: number } =
      options && typeof options === 'object' ? options : { type: options, code }
    if (type !== 'ExperimentalWarning' && number !== 'DEP0190')
      emitWarning.apply(process, arguments)
  }
  if (nodeModule.enableCompileCache) nodeModule.enableCompileCache()
  if (Number.parseInt(process.versions.node) < 24) {
    if (nodeModule.registerHooks)
      nodeModule.registerHooks({ load: require('./strip-types.cjs').load })
    else nodeModule.register('./strip-types.cjs', pathToFileURL(__filename))
  }
}

// Tools for development run on other systems too.
function notLinux() {
  const isOurs = process.argv.some((word) =>
    /(^|[\\/])(scripts[\\/][\w-]+\.ts|install\.cjs)$/.test(word),
  )
  if (process.platform === 'linux' || !isOurs) return undefined
  const how =
    process.platform === 'win32'
      ? 'open a Linux in WSL, clone the project there'
      : 'take a Linux computer, or a virtual machine that may run others inside (nested virtualisation)'
  return `these scripts need Linux with KVM, and this is ${process.platform}: ${how}, and run the same command there`
}

function lacksPackages() {
  const isInstaller = basename(process.argv[1] || '') === 'install.cjs'
  if (isInstaller || existsSync(join(__dirname, '../../node_modules/zx'))) return undefined
  return 'the packages of this project are not installed: npm ci (npm start and npm test do that by themselves)'
}
