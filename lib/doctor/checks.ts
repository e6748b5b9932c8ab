// PURE. The checks of the host that stop create: there their failures are errors, and their warnings are shown.
import { hintText, LabError, script } from '../text/errors.ts'
import { warning, type Finding } from '../text/findings.ts'
import { checkDisk, checkMemory } from './capacity.ts'
import { NotLookedAt, type Facts, type Question } from './facts.ts'
import { checkKvm } from './kvm.ts'
import { checkNetwork } from './network.ts'
import { checkAddresses, checkOwnership } from './ownership.ts'
import { checkTools } from './tools.ts'

export interface Check<F> {
  name: string
  /** The questions to this host that it needs. */
  asks?: Question[]
  find: (facts: F) => Iterable<Finding>
}

export const stopsCreate = {
  tools: { name: 'host tools', asks: ['tools'], find: checkTools },
  kvm: { name: 'KVM', asks: ['kvm'], find: checkKvm },
  network: { name: 'network', asks: ['interfaces', 'routes'], find: checkNetwork },
  addresses: { name: 'addresses', find: checkAddresses }, // neighbours are asked for later
  names: { name: 'names', find: checkOwnership },
  memory: { name: 'memory', asks: ['memory'], find: checkMemory },
  disk: { name: 'disk space', asks: ['disk'], find: checkDisk },
} satisfies Record<string, Check<Facts>>
const checks: Check<Facts>[] = Object.values(stopsCreate)

/** The questions to this host that create needs. */
export const questionsOfCreate: Question[] = checks.flatMap(({ asks = [] }) => asks)

/** The findings of the checks that stop create. */
export const findForCreate = (facts: Facts): Finding[] => find(checks, facts)

export const find = <F>(checks: Check<F>[], facts: F): Finding[] =>
  checks.flatMap((check) => found(check.name, () => check.find(facts)))

function found(check: string, find: () => Iterable<Finding>): Finding[] {
  const findings: Finding[] = []
  try {
    for (const finding of find()) findings.push(finding)
  } catch (error) {
    if (!(error instanceof NotLookedAt)) throw error
    findings.push({ ...warning(check, `not checked: ${error.message}`), level: error.level })
  }
  return findings
}

/** All failures as one error; undefined when there is none. */
export function hostError(findings: Finding[]): LabError | undefined {
  const failures = findings.filter(({ level }) => level === 'failure')
  const [first] = failures
  if (!first) return undefined
  if (failures.length === 1) return new LabError(first.found, { hint: first.fix ?? [] })
  return new LabError(`${failures.length} problems were found`, {
    details: failures.flatMap(({ found, fix = [] }) => [
      found,
      ...fix.map((hint) => `  ${hintText(hint, '')}`),
    ]),
    hint: script('doctor'),
  })
}
