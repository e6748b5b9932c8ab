// PURE. The list of all checks of the host: doctor runs all of them, create those that stop it.
import { hintText, LabError, script } from '../text/errors.ts'
import { checkDisk, checkImage, checkMemory } from './capacity.ts'
import { NotLookedAt, type AllFacts, type Facts, type Question } from './facts.ts'
import { warning, type Finding } from '../text/findings.ts'
import { checkKvm } from './kvm.ts'
import { checkAddresses, checkFirewall, checkNetwork } from './network.ts'
import { checkOwnership } from './ownership.ts'
import { checkLibvirt, checkNode, checkTools } from './tools.ts'

interface Judge<F> {
  name: string
  /** The questions to this host that it needs. */
  asks?: Question[]
  find: (facts: F) => Iterable<Finding>
}
/** A check that stops create: there its failures are errors, and its warnings are shown. */
export type Check =
  ({ stopsCreate: true } & Judge<Facts>) | ({ stopsCreate: false } & Judge<AllFacts>)

export const checks: Check[] = [
  { name: 'Node', stopsCreate: false, asks: ['npm'], find: checkNode },
  { name: 'host tools', stopsCreate: true, asks: ['tools'], find: checkTools },
  { name: 'libvirt', stopsCreate: false, find: checkLibvirt }, // create has used it by then
  { name: 'KVM', stopsCreate: true, asks: ['kvm'], find: checkKvm },
  { name: 'network', stopsCreate: true, asks: ['interfaces'], find: checkNetwork },
  {
    name: 'firewall',
    stopsCreate: false,
    asks: ['forwards', 'filters', 'rules'],
    find: checkFirewall,
  },
  { name: 'addresses', stopsCreate: true, find: checkAddresses }, // neighbours are asked for later
  { name: 'names', stopsCreate: true, find: checkOwnership },
  { name: 'memory', stopsCreate: true, asks: ['memory'], find: checkMemory },
  { name: 'disk space', stopsCreate: true, asks: ['disk'], find: checkDisk },
  { name: 'image', stopsCreate: false, find: checkImage }, // create finds the image itself
]

/** The questions to this host: for doctor (`all`), or for create. */
export const questionsOf = (all: boolean): Question[] =>
  checks.flatMap(({ stopsCreate, asks = [] }) => (all || stopsCreate ? asks : []))

/** The findings of doctor. */
export const findAll = (facts: AllFacts): Finding[] =>
  checks.flatMap((check) => found(check.name, () => check.find(facts)))

/** The findings of the checks that stop create. */
export const findForCreate = (facts: Facts): Finding[] =>
  checks.flatMap((check) => (check.stopsCreate ? found(check.name, () => check.find(facts)) : []))

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
