// PURE. Whether a node has what RKE2 needs: as findings, and as a script for the node.
import { failure, warning, type Finding } from '../text/findings.ts'
import { withPrograms } from './facts.ts'
import { needs, type Candidate } from './needs.ts'

/** What a node needs for another release of RKE2. */
export const ofRelease = ['disk', 'cgroup']

const among = (checks?: string[]) =>
  needs.filter(({ check }) => checks === undefined || checks.includes(check))

/** Everything that is wrong with a node, or that of some checks: failures stop RKE2, warnings may. */
export const findingsOn = (one: Candidate, checks?: string[]): Finding[] =>
  among(checks).flatMap(({ check, wrong, fix, isWarning }) => {
    const found = wrong(one)
    if (!found) return []
    return (isWarning?.(one) ? warning : failure)(check, found, ...fix(one))
  })

/** What stops RKE2, as a script for sh on the node: it names all that the node lacks, and fails if that is anything. */
export const needsScript = (one: Candidate, checks?: string[]): string =>
  [
    withPrograms,
    `lacks() { echo "${one.node.name}: it lacks $1" >&2; lacking=yes; }`,
    ...among(checks)
      .filter(({ isWarning }) => !isWarning?.(one))
      .flatMap(({ printed }) => printed?.(one) ?? []),
    'test -z "$lacking"',
    '',
  ].join('\n')
