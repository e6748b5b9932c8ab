// EDGE. The checks that create needs before it changes anything.
import { checkKvm } from './kvm.ts'
import { checkNetworks } from './network.ts'
import { checkRoom } from './capacity.ts'
import { checkTools } from './tools.ts'
import { LabError } from '../text/errors.ts'
import type { Finding } from './findings.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import { addressFindings } from './network-findings.ts'
import { checkOwnership } from './ownership.ts'
import * as ui from '../cli/ui.ts'

/** Throws one LabError with every failure; shows warnings. Returns the domain type that `auto` comes to. */
export async function checkHost(
  lab: Lab,
  nodes: Node[],
  host: Host,
  answers: Promise<Map<string, string>>,
): Promise<'kvm' | 'qemu'> {
  const [kvm, tools, networks, room, who] = await Promise.all([
    checkKvm(lab),
    checkTools(lab),
    checkNetworks(lab, host),
    checkRoom(lab, nodes, host),
    answers,
  ])
  const findings = [
    kvm.finding,
    ...tools,
    ...networks,
    ...addressFindings(lab, nodes, host, who),
    ...room,
    ...checkOwnership(lab, nodes, host),
  ]
  for (const { found } of findings.filter(({ level }) => level === 'warning')) ui.warn(found)
  const failures = findings.filter(({ level }) => level === 'failure')
  if (failures.length > 0) throw hostError(failures)
  ui.detail(
    findings
      .filter(({ level }) => level === 'ok')
      .map(({ check }) => check)
      .join(', ') + ': fine',
  )
  return kvm.type
}

function hostError(failures: Finding[]): LabError {
  const [first] = failures
  if (failures.length === 1 && first) return new LabError(first.found, { hint: first.fix ?? [] })
  return new LabError(`${failures.length} things are in the way`, {
    details: failures.flatMap(({ found, fix }) => [
      found,
      ...(fix ?? []).map((command) => `  ${command}`),
    ]),
    hint: 'npx zx scripts/doctor.ts',
  })
}
