// EDGE. The steps before an installation: whether the node has what RKE2 needs, and a rule for NetworkManager.
import * as ui from '../cli/ui.ts'
import { typedOn } from '../guest/ssh-files.ts'
import { onNode, putOnNode } from '../guest/on-node.ts'
import { networkRule } from '../lab/images.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Check, Step } from '../shell/steps.ts'
import { LabError, NodeErrors } from '../text/errors.ts'
import type { Finding } from '../text/findings.ts'
import { commandText } from '../text/quote.ts'
import { rke2Config } from './config.ts'
import { findingsOn, needsScript, ofRelease } from './fitness.ts'
import { needs } from './needs.ts'
import type { Edited, Member } from './service.ts'

/** The step that reports everything that is wrong with a node, compared with the others where that matters; it fails if
 *  RKE2 cannot work there. None where an RKE2 that is found has run. */
export function planChecks(lab: Lab, one: Member, edited: Edited, all: Member[]): Check[] {
  const { node, state } = one
  if (state.hasRun && state.version) return []
  const others = all.filter(({ name }) => name !== node.name)
  const config = rke2Config(lab, node, edited[node.role])
  const candidate = { lab, node, state, others, config }
  const findings = findingsOn(candidate)
  const same = sameMachineId([node, ...others.map((other) => other.node)])
  return [
    {
      do: 'check',
      bash: [onNode(node, needsScript(candidate), { root: true }).bash, ...same].join('\n'),
      holds: async () => report(node, findings),
    },
  ]
}

/** The step that reports what a node that runs RKE2 lacks for another release; it fails if that cannot work there. */
export function planRoom(lab: Lab, { node, state }: Member): Check {
  const candidate = { lab, node, state, others: [], config: state.config }
  return {
    do: 'check',
    bash: onNode(node, needsScript(candidate, ofRelease), { root: true }).bash,
    holds: async () => report(node, findingsOn(candidate, ofRelease)),
  }
}

/** Warns of what nodes that RKE2 has run on lack of these needs: that stops none of them. */
export function warnOfRunning(
  lab: Lab,
  some: Member[],
  all: Member[],
  checks = ['machine-id', 'mounts'],
): void {
  const among = needs.filter(({ check }) => checks.includes(check))
  for (const { node, state } of some.filter((one) => one.state.hasRun)) {
    const others = all.filter(({ name }) => name !== node.name)
    const findings = findingsOn({ lab, node, state, others, config: state.config }, among)
    report(
      node,
      findings.map((one): Finding => ({ ...one, level: 'warning' })),
    )
  }
}

function report({ name }: Node, findings: Finding[]): void {
  const of = (level: Finding['level']) => findings.filter((one) => one.level === level)
  for (const one of of('warning')) ui.finding({ ...one, check: name })
  const errors = of('failure').map(({ found, fix = [] }) => new LabError(found, { hint: fix }))
  if (errors.length > 0) throw errors.length > 1 ? new NodeErrors(errors) : errors[0]
}

// On this host: no two of the nodes have the same.
function sameMachineId(nodes: Node[]): string[] {
  const [first, second] = nodes
  if (!first || !second) return []
  const read = nodes.map((node) => typedOn(node, 'grep . /etc/machine-id')).join('; ')
  const says = commandText`echo ${`${first.name}: two nodes have the same machine-id`}`
  return [`test -z "$({ ${read}; } | sort | uniq -d)" || { ${says} >&2; false; }`]
}

/** The steps that keep NetworkManager, where it runs, away from the interfaces of the network plugin. */
export function planNetworkRule({ node, state }: Member): Step[] {
  if (state.hasRun || !state.units.includes('NetworkManager') || state.hasCanalRule) return []
  return [
    putOnNode(node, networkRule.path, networkRule.content),
    onNode(node, 'systemctl reload NetworkManager', { root: true }),
  ]
}
