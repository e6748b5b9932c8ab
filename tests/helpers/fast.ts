// Which test files start no program and touch no network, read from their imports.
import { packagesBehind, sourcesIn } from './sources.ts'

const effects = [
  'zx',
  'zx/core',
  'node:child_process',
  'node:net',
  'node:tls',
  'node:http',
  'node:https',
]
const all = sourcesIn('tests', '.test.ts').map(({ file }) => file)
export const fastTests = all.filter((file) => {
  const packages = packagesBehind(file)
  return !effects.some((name) => packages.has(name))
})
export const otherTests = all.filter((file) => !fastTests.includes(file))
