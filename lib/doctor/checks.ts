// PURE. The list of all checks of the host: doctor runs all of them, create those that stop it.
import { adviceFor, libvirtHost } from '../libvirt/trouble.ts'
import { hintText, LabError, script, type Hint } from '../text/errors.ts'
import { checkDisk, checkImage, checkMemory } from './capacity.ts'
import { NotLookedAt, type AllFacts, type Facts, type Question } from './facts.ts'
import { warning, type Finding } from '../text/findings.ts'
import { checkKvm } from './kvm.ts'
import { checkAddresses, checkFirewall, checkNetwork } from './network.ts'
import { checkOwnership } from './ownership.ts'
import { checkLibvirt, checkNode, checkTools } from './tools.ts'

interface Judge<F> {
  name: string
  /** The questions that it needs. */
  asks?: Question[]
  /** It is about the host of libvirt. */
  there?: true
  find: (facts: F) => Iterable<Finding>
}
/** A check that stops create: there its failures are errors, and its warnings are shown. */
export type Check =
  ({ stopsCreate: true } & Judge<Facts>) | ({ stopsCreate: false } & Judge<AllFacts>)

export const checks: Check[] = [
  { name: 'Node', stopsCreate: false, asks: ['npm'], find: checkNode },
  {
    name: 'host tools',
    stopsCreate: true,
    asks: ['tools', 'virsh', 'libvirt', 'modes'],
    find: checkTools,
  },
  { name: 'libvirt', stopsCreate: false, find: checkLibvirt }, // create has used it by then
  { name: 'KVM', stopsCreate: true, there: true, asks: ['kvm', 'processor'], find: checkKvm },
  { name: 'network', stopsCreate: true, there: true, asks: ['interfaces'], find: checkNetwork },
  {
    name: 'firewall',
    stopsCreate: false,
    there: true,
    asks: ['forwards', 'filters', 'rules'],
    find: checkFirewall,
  },
  { name: 'addresses', stopsCreate: true, find: checkAddresses }, // neighbours are asked for later
  { name: 'names', stopsCreate: true, find: checkOwnership },
  { name: 'memory', stopsCreate: true, there: true, asks: ['memory'], find: checkMemory },
  { name: 'disk space', stopsCreate: true, there: true, asks: ['disk', 'folder'], find: checkDisk },
  { name: 'image', stopsCreate: false, find: checkImage }, // create finds the image itself
]

/** The questions to this host: for doctor (`all`), or for create. */
export const questionsOf = (all: boolean): Question[] =>
  checks.flatMap(({ stopsCreate, asks = [] }) => (all || stopsCreate ? asks : []))

/** The findings of doctor. */
export const findAll = (facts: AllFacts): Finding[] =>
  checks.flatMap((check) => found(facts, check, () => check.find(facts)))

/** The findings of the checks that stop create. */
export const findForCreate = (facts: Facts): Finding[] =>
  checks.flatMap((check) => (check.stopsCreate ? found(facts, check, () => check.find(facts)) : []))

function found(
  { lab }: Facts,
  { name: check, there }: Check,
  find: () => Iterable<Finding>,
): Finding[] {
  const findings: Finding[] = []
  try {
    for (const finding of find()) findings.push(there ? foundThere(lab.libvirt, finding) : finding)
  } catch (error) {
    if (!(error instanceof NotLookedAt)) throw error
    const { level, message, fix } = error
    findings.push({ ...warning(check, `not checked: ${message}`, ...fix), level })
  }
  return findings
}

/** A finding about the host of libvirt: where that is another one, it says so, and its commands go there. */
export function foundThere(libvirt: string, finding: Finding): Finding {
  const { isHere, name } = libvirtHost(libvirt)
  if (isHere) return finding
  const there = (hint: Hint) =>
    typeof hint !== 'string' || hint.startsWith('#') ? hint : adviceFor(libvirt, [hint])
  return {
    ...finding,
    found: `on ${name}: ${finding.found}`,
    ...(finding.fix ? { fix: finding.fix.flatMap(there) } : {}),
  }
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
