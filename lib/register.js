// Loaded before every script by npm and npx (.npmrc, node-options). Node 22.18 and newer run
// TypeScript by themselves; for older ones this registers lib/strip-types.js.
import * as nodeModule from 'node:module'

delete process.env.NODE_OPTIONS // programs started by the scripts must not inherit it
nodeModule.enableCompileCache?.()
if (!process.features.typescript) nodeModule.register('./strip-types.js', import.meta.url)
