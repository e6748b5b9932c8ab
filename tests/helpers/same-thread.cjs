// Node 20 runs module hooks in a separate thread, which is a third of a script's start. Required before anything else
// (with --expose-internals), this gives it the registerHooks of Node 22, as far as lib/runtime/register.cjs asks for it.
// Scripts started by way of npx go without, so the thread is tested too.
const Module = module.constructor
require('internal/modules/esm/resolve') // the next one cannot be loaded first
const esm = require('internal/modules/esm/load')
const { defaultLoad } = esm // which the loader takes at its first module, before there is a hook
const hooks = []
const loadWith = ([hook, ...others], url, context) =>
  hook
    ? hook(url, context, (url, context) => loadWith(others, url, context))
    : defaultLoad(url, context)
esm.defaultLoad = async (url, context) => ({
  responseURL: url,
  ...(await loadWith(hooks, url, context)),
})
Module.registerHooks = ({ load }) => void hooks.push(load)
