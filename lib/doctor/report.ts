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

/** For people: several lines of advice that an earlier finding has are not repeated. */
export function withoutRepeats(findings: Finding[]): Finding[] {
  const seen = new Set<string>()
  return findings.map((finding) => {
    const { fix = [] } = finding
    const text = JSON.stringify(fix)
    if (fix.length < 2 || !seen.has(text)) {
      seen.add(text)
      return finding
    }
    return { ...finding, fix: ['# the same as above'] }
  })
}

/** The output of `doctor --json`. */
export function asJson(lab: string, findings: Finding[], typed: string): string {
  const plain = findings.map(({ fix, ...finding }) => ({
    ...finding,
    ...(fix ? { fix: fix.map((hint) => hintText(hint, typed)) } : {}),
  }))
  return JSON.stringify({ lab, findings: plain }, null, 2)
}
