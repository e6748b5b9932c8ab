// The project's folder, and what was recorded in it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const top = join(import.meta.dirname, '..', '..')
export const fixtures = join(top, 'tests', 'fixtures')
export const fixture = (name: string) => readFileSync(join(fixtures, name), 'utf8')

/** What RKE2 said in a recording: the message of the first line that has the fragment. */
export const saidByRke2 = (recording: string, fragment: string): string => {
  const line = fixture(`rke2-1.35.0/${recording}`)
    .split('\n')
    .find((text) => text.includes(fragment))
  const said = /\bmsg="(.*)"$/.exec(line ?? '')?.[1]
  if (said === undefined) throw new Error(`${recording} does not have: ${fragment}`)
  return said
}
