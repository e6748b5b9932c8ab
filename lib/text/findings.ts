// PURE. The results of the doctor's checks.
import { hintText, type Hint, type LabError } from './errors.ts'

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
  failure(
    check,
    [message, ...details].join('; '),
    ...hint.map((one) => (typeof one !== 'string' || one.startsWith('#') ? one : `# ${one}`)),
  )

/** The worst level of the findings. */
export function worstOf(findings: Finding[]): Finding['level'] {
  const has = (level: Finding['level']) => findings.some((finding) => finding.level === level)
  return has('failure') ? 'failure' : has('warning') ? 'warning' : 'ok'
}

/** The commands among the fixes, each once. Hints that start with # are for people only. */
export function fixesOf(findings: Finding[]): string[] {
  const all = findings.flatMap(({ fix = [] }) => fix)
  return [...new Set(all)]
    .filter((hint) => typeof hint === 'string')
    .filter((text) => !isForPeople(text))
}

/** Whether a fix is not a command that can simply be run. */
export const isForPeople = (fix: Hint): boolean => typeof fix !== 'string' || fix.startsWith('#')

/** The output of `doctor --json`. */
export function asJson(lab: string, findings: Finding[], typed: string): string {
  const plain = findings.map(({ fix, ...finding }) => ({
    ...finding,
    ...(fix ? { fix: fix.map((hint) => hintText(hint, typed)) } : {}),
  }))
  return JSON.stringify({ lab, findings: plain }, null, 2)
}
