// PURE. What doctor.ts shows: findings for people or as JSON, and the commands that fix them.
import { hintText } from '../text/errors.ts'
import { isForPeople, type Finding } from '../text/findings.ts'

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

/** The output of `doctor --json`. */
export function asJson(lab: string, findings: Finding[], typed: string): string {
  const plain = findings.map(({ fix, ...finding }) => ({
    ...finding,
    ...(fix ? { fix: fix.map((hint) => hintText(hint, typed)) } : {}),
  }))
  return JSON.stringify({ lab, findings: plain }, null, 2)
}
