// Loaded before every script by npm and npx (.npmrc, node-options). Node 24 runs TypeScript by itself and keeps what it
// made of it; for older ones this registers strip-types.js beside it, in the same thread where Node can (22.15 and newer).
import * as nodeModule from 'node:module'
import { load } from './strip-types.js'

delete process.env.NODE_OPTIONS // programs started by the scripts must not inherit it
nodeModule.enableCompileCache?.()
if (Number.parseInt(process.versions.node) < 24) {
  if (nodeModule.registerHooks) nodeModule.registerHooks({ load })
  else nodeModule.register('./strip-types.js', import.meta.url)
}
