// EDGE. Running other scripts of this project, one after another, as a person would type them.
import { fileURLToPath } from 'node:url'
import { LabError } from './text/errors.ts'
import { runForeground } from './shell/shell.ts'

const register = new URL('./runtime/register.js', import.meta.url).href
const zx = fileURLToPath(import.meta.resolve('zx/cli'))

/** Runs a phase with the terminal; returns its exit status. */
export function runPhase(script: string, words: string[]): Promise<number> {
  const file = fileURLToPath(new URL(`../scripts/${script}.ts`, import.meta.url))
  return runForeground([process.execPath, '--import', register, zx, file, ...words])
}

/** The error for a phase that failed; what went wrong it has said itself. */
export const phaseFailed = (script: string) =>
  new LabError(`${script} failed; what was done so far stays`, {
    hint: [
      `npx zx scripts/${script}.ts`,
      '# or, once it is mended, all of it again: npx zx scripts/up.ts',
    ],
  })
