// PURE. Whether a node has what RKE2 needs: as findings, and as a script for the node.
import { failure, warning, type Finding } from '../text/findings.ts'
import { withPrograms } from './facts.ts'
import { needs, type Candidate } from './needs.ts'

/** Those that may differ from one release of RKE2 to the next. */
export const ofRelease = needs.filter(({ check }) => ['disk', 'cgroup'].includes(check))

/** Everything that is wrong with a node, or `among` some needs: failures stop RKE2, warnings may. */
export const findingsOn = (one: Candidate, among = needs): Finding[] =>
  among.flatMap(({ check, wrong, fix, isWarning }) => {
    const found = wrong(one)
    if (!found) return []
    return (isWarning?.(one) ? warning : failure)(check, found, ...fix(one))
  })

/** What stops RKE2, as a script for sh on the node: it names all that the node lacks, and fails if that is anything. */
export const needsScript = (one: Candidate, among = needs): string =>
  [
    withPrograms,
    `lacks() { echo "${one.node.name}: it lacks $1" >&2; lacking=yes; }`,
    ...among
      .filter(({ isWarning }) => !isWarning?.(one))
      .flatMap(({ printed }) => printed?.(one) || []),
    'test -z "$lacking"',
    '',
  ].join('\n')
