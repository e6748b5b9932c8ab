// EDGE. Runs other scripts of this project as a user would.
import { fileURLToPath } from 'node:url'
import { LabError, line, script as typed } from './text/errors.ts'
import { commandText } from './text/quote.ts'
import { runForeground } from './shell/bash.ts'

const register = new URL('./runtime/register.cjs', import.meta.url).href

/** Runs a phase with the terminal, under another group of the user's where one is given; returns its exit status. */
export function runPhase(script: string, words: string[], group?: string): Promise<number> {
  const file = fileURLToPath(new URL(`../scripts/${script}.ts`, import.meta.url))
  const command = commandText`${[process.execPath, '--import', register, file, ...words]}`
  return runForeground(group === undefined ? command : commandText`sg ${group} -c ${command}`)
}

/** The error for a phase that failed; the phase itself has shown the cause. */
export const phaseFailed = (script: string) =>
  new LabError(`${script} failed; what was done so far is kept`, {
    hint: [typed(script), line('# or, once it is fixed, run all phases again: ', typed('up'))],
  })
