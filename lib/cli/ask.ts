// EDGE. Questions to the person at the terminal.
import { createInterface } from 'node:readline/promises'
import { LabError } from '../text/errors.ts'
import * as ui from './ui.ts'

/** What may be answered; Enter means the one in capitals. */
export type Choices = 'y/N' | 'Y/n'

/** Shows what the question is about and asks. True for yes; without a terminal only --yes means yes. */
export async function ask(
  question: string,
  about: string[],
  yes: boolean,
  choices: Choices = 'y/N',
) {
  for (const text of about) ui.detail(text)
  if (yes) return true
  if (!process.stdin.isTTY)
    throw new LabError('there is no terminal to ask on, so nothing was done', { hint: 'add --yes' })
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('\n'))) // Ctrl-D
  try {
    const answer = await Promise.race([terminal.question(`${question} [${choices}] `), ended])
    if (answer === '\n') process.stderr.write(answer)
    return answer === '' ? choices === 'Y/n' : /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AbortError')) throw error
    ui.bad('interrupted: nothing was done')
    return process.exit(130)
  } finally {
    terminal.close()
  }
}
