// PURE. What a check found, and what helps.
import { type Hint, type LabError } from './errors.ts'

export interface Finding {
  check: string
  level: 'ok' | 'warning' | 'failure'
  found: string
  /** The fix for this host. */
  fix?: Hint[]
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found })
export const failure = (check: string, found: string, ...fix: Hint[]): Finding => ({
  check,
  level: 'failure',
  found,
  ...(fix.length > 0 ? { fix } : {}),
})
export const warning = (check: string, found: string, ...fix: Hint[]): Finding => ({
  ...failure(check, found, ...fix),
  level: 'warning',
})

/** An error as a failure; its hints are for people, so --fix does not run them. */
export const fromError = (check: string, { message, details, hint }: LabError): Finding =>
  failure(check, [message, ...details].join('; '), ...hint.map(forPeople))

/** The hint as one that is not to be run. */
export const forPeople = (hint: Hint): Hint =>
  typeof hint !== 'string' || hint.startsWith('#') ? hint : `# ${hint}`

/** Whether a fix is not a command that can simply be run. */
export const isForPeople = (fix: Hint): boolean => typeof fix !== 'string' || fix.startsWith('#')
