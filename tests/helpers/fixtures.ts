// The project's folder, and what was recorded in it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const top = join(import.meta.dirname, '..', '..')
export const fixtures = join(top, 'tests', 'fixtures')
export const fixture = (name: string) => readFileSync(join(fixtures, name), 'utf8')
