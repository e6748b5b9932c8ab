// PURE. The checks of the host that stop create: there their failures are errors, and their warnings are shown.
import type { Lab } from '../lab/lab.ts'
import { onHost } from '../libvirt/host-names.ts'
import { adviceFor, libvirtHost } from '../libvirt/trouble.ts'
import { hintText, LabError, script, type Hint } from '../text/errors.ts'
import { warning, type Finding } from '../text/findings.ts'
import { checkDisk, checkMemory } from './capacity.ts'
import { checkCards } from './cards.ts'
import { NotLookedAt, type Facts, type Question } from './facts.ts'
import { checkKvm } from './kvm.ts'
import { checkNetwork } from './network.ts'
import { checkAddresses, checkOwnership } from './ownership.ts'
import { checkTools, checkVersion } from './tools.ts'

export interface Check<F> {
  name: string
  /** The questions that it needs. */
  asks?: Question[]
  /** It is about the host of libvirt. */
  there?: true
  /** It is about this host alone. */
  here?: true
  find: (facts: F) => Iterable<Finding>
}

export const stopsCreate = {
  tools: {
    name: 'host tools',
    here: true,
    asks: ['tools', 'virsh', 'modes'],
    find: checkTools,
  },
  kvm: {
    name: 'KVM',
    there: true,
    asks: ['libvirt', 'kvm', 'processor'],
    find: (facts) => [...checkVersion(facts, 'libvirt'), ...checkKvm(facts)],
  },
  network: {
    name: 'network',
    there: true,
    asks: ['interfaces', 'routes'],
    find: (facts) => [...checkNetwork(facts), ...checkCards(facts)],
  },
  addresses: { name: 'addresses', find: checkAddresses }, // neighbours are asked for later
  names: { name: 'names', find: checkOwnership },
  memory: { name: 'memory', there: true, asks: ['memory'], find: checkMemory },
  disk: { name: 'disk space', there: true, asks: ['disk'], find: checkDisk },
} satisfies Record<string, Check<Facts>>
const checks: Check<Facts>[] = Object.values(stopsCreate)

/** The questions that create needs. */
export const questionsOfCreate: Question[] = checks.flatMap(({ asks = [] }) => asks)

/** The findings of the checks that stop create. */
export const findForCreate = (facts: Facts, isFirst = true): Finding[] =>
  find(checks, facts, isFirst)

/** The findings about a host of the lab, without those about this host alone unless it is the first one. */
export const find = <F extends Facts>(checks: Check<F>[], facts: F, isFirst: boolean): Finding[] =>
  checks
    .filter(({ there }) => !there || facts.lab.nodes.length > 0)
    .filter(({ here }) => !here || isFirst)
    .flatMap((check) => found(facts.lab, check, () => check.find(facts)))

function found(
  lab: Lab,
  { name: check, there, here }: Omit<Check<Facts>, 'find'>,
  find: () => Iterable<Finding>,
): Finding[] {
  const findings: Finding[] = []
  try {
    for (const finding of find()) findings.push(there ? foundThere(lab.libvirt, finding) : finding)
  } catch (error) {
    if (!(error instanceof NotLookedAt)) throw error
    findings.push({ ...warning(check, `not checked: ${error.message}`), level: error.level })
  }
  if (here) return findings
  return findings.map((finding) => ({ ...finding, found: onHost(lab, finding.found) }))
}

/** A finding about the host of libvirt: where that is another one, it says so, and its commands go there. */
export function foundThere(libvirt: string, finding: Finding): Finding {
  const { isHere, name } = libvirtHost(libvirt)
  if (isHere) return finding
  const isOfHere = (hint: string) => hint.startsWith('#') && !/\b(sudo|ps|ip) /.test(hint)
  const there = (hint: Hint) =>
    typeof hint !== 'string' || isOfHere(hint) ? hint : adviceFor(libvirt, [hint])
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
