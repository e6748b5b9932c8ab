// EDGE. Waits until the nodes whose machines were started again are Ready.
import { commandOn } from '../guest/ssh.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { eachOf, type Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, type Stage, type Step } from '../shell/steps.ts'
import { LabError, script, type Hint } from '../text/errors.ts'
import { warnOfRunning } from './checks.ts'
import { firstServer, lookAtCluster } from './cluster.ts'
import { untilNodeReady } from './ready.ts'
import { lookAt, planStart, refusal, type Member } from './service.ts'
import { serviceOf, untouched } from './state.ts'

/** Waits until those of the nodes that have run RKE2 are Ready again: all servers at the same time, because etcd needs most
 *  of them, then the agents. A service that is stopped is started. The names of those that have not run RKE2 come back.
 *  Not `known`: what they will be when this is carried out. */
export async function bringBack(
  lab: Lab,
  nodes: Node[],
  seconds: number,
  shell: Shell,
  known = true,
): Promise<string[]> {
  const [servers, agents] = (['server', 'agent'] as const).map((role) =>
    nodes.filter((node) => node.role === role),
  ) as [Node[], Node[]]
  if (!known) {
    await shell.apply(backLater(lab, servers, undefined, seconds))
    await shell.apply(backLater(lab, agents, firstServer(lab), seconds))
    return []
  }
  const first = await shell.look('Look at the servers', () => eachOf(servers, lookAt))
  await shell.apply({
    ...forEach('Wait for the servers', first, (one) => planBack(lab, one, one.node, seconds)),
    watched: true,
  })
  const { leader, joiners, lacking } = await shell.look('Look at the cluster', () =>
    lookAtCluster(lab, agents),
  )
  warnOfRunning(lab, [...first, ...joiners], [], ['mounts'])
  const members = joiners.filter(mayHaveRun)
  if (members.length > 0) {
    if (lacking.length > 0) await shell.apply(inOrder('Find a server that runs', lacking))
    await shell.apply({
      ...forEach('Wait for the agents', members, (one) => planBack(lab, one, leader.node, seconds)),
      watched: true,
    })
  }
  return [...first, ...joiners].filter((one) => !mayHaveRun(one)).map(({ name }) => name)
}

// The waits for nodes that cannot be asked before: for each one that starts RKE2.
function backLater(lab: Lab, some: Node[], reporter: Node | undefined, seconds: number): Stage {
  const trouble = new LabError('it cannot be asked yet')
  return forEach(`Wait for the ${reporter ? 'agents' : 'servers'}`, some, (node) => {
    const member = { name: node.name, node, state: untouched, trouble }
    return planBack(lab, member, reporter ?? node, seconds)
  })
}

/** What is typed next: the phases for nodes that have not run RKE2, or the look at all of them. */
export function nextPhase(lab: Lab, others: string[]): Hint {
  if (others.includes(firstServer(lab).name)) return script('install-rke2')
  return others.length > 0 ? script('join', ...others) : script('status')
}

const mayHaveRun = ({ state, trouble }: Member) => trouble !== undefined || state.hasRun

function planBack(lab: Lab, member: Member, reporter: Node, seconds: number): Step[] {
  const wait = untilNodeReady(lab, member, reporter, seconds)
  if (!member.trouble) {
    const starts = member.state.enabled && member.state.service === 'activating'
    return mayHaveRun(member) ? [...(starts ? [] : planStart(member, false)), wait] : []
  }
  // Off now: at its start, a service that is enabled starts by itself.
  const hasService = commandOn(
    member.node,
    `systemctl is-enabled --quiet ${serviceOf(member.node)}`,
  )
  return [refusal(`if ${hasService}\nthen ${wait.bash}\nfi`, member.trouble)]
}
