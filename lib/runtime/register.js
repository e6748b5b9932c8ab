// npm and npx load this before every script (.npmrc, node-options). Node 24 runs TypeScript by itself and caches the
// result; for older versions this registers strip-types.js, in the same thread where Node can (22.15 and newer).
import * as nodeModule from 'node:module'
import { load } from './strip-types.js'

delete process.env.NODE_OPTIONS // programs started by the scripts must not inherit it
nodeModule.enableCompileCache?.()
if (Number.parseInt(process.versions.node) < 24) {
  if (nodeModule.registerHooks) nodeModule.registerHooks({ load })
  else nodeModule.register('./strip-types.js', import.meta.url)
}
