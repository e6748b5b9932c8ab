// EDGE. RKE2 on one node: how it stands, its configuration, its start, and waiting for it.
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { NodeProgress } from '../cli/progress.ts'
import { formatSeconds } from '../text/progress.ts'
import { parts } from '../text/sections.ts'
import { hereDocument, quote } from '../text/quote.ts'
import { joinedServer, parseRke2Config, rke2Config } from './config.ts'
import { diagnose, isDue, lastMessage, sighting, type Cause, type Sighting } from './journal.ts'
import {
  isBefore,
  kubectl,
  parseKubeNodes,
  parseState,
  serviceOf,
  stateScript,
  untouched,
  watchScript,
  type KubeNode,
  type Rke2State,
} from './state.ts'
import { ssh } from '../guest/ready.ts'
import { mode, queryWithin, readText, run, runText } from '../shell/shell.ts'
import { sshState } from '../guest/ssh-files.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'

/** Asks a node by a script that runs there as root; throws when SSH does not get there. */
async function askAsRoot(lab: Lab, node: Node, script: string): Promise<string> {
  const { code, stdout, stderr } = await queryWithin(
    90,
  )`${ssh(lab, node)} sudo sh -c ${quote(script)}`
  if (code === 0) return stdout
  throw new LabError(`${node.name}: cannot be asked over SSH: ${sshState(stderr)}`, {
    hint: ['npx zx scripts/status.ts', `npx zx scripts/create.ts ${node.name}`],
  })
}

/** How RKE2 stands on a node. In a dry run an unreachable node counts as untouched. */
export async function rke2State(lab: Lab, node: Node): Promise<Rke2State> {
  try {
    return parseState(await askAsRoot(lab, node, stateScript(serviceOf(node))))
  } catch (error) {
    if (mode.dryRun) return untouched
    throw error
  }
}

/** Kubernetes' nodes as a server tells them; undefined when its API does not answer. */
export async function kubeNodes(lab: Lab, server: Node): Promise<KubeNode[] | undefined> {
  const { stdout } = await queryWithin(
    60,
  )`${ssh(lab, server)} sudo ${kubectl.split(' ')} get nodes -o json`
  return parseKubeNodes(stdout)
}

/** Runs a script as root on a node; it is shown and printed as a here-document. */
export const runOnNode = (lab: Lab, node: Node, script: string) =>
  runText(hereDocument(`${ssh(lab, node).join(' ')} sudo sh -s`, script))

/** The configuration that people edit for nodes of this role, checked. */
export function editedConfig({ role }: Node) {
  const file = `rke2/${role}.yaml`
  return parseRke2Config(readText(file) ?? '', file)
}

/** Brings config.yaml to the node (root, 0600) when it differs. True when the service has not read it yet. */
export async function ensureConfig(
  lab: Lab,
  node: Node,
  state: Rke2State,
  joins?: Node,
): Promise<boolean> {
  const joined = state.hasRun ? joinedServer(lab, node, state.config) : undefined
  const config = rke2Config(lab, node, editedConfig(node), joined ?? joins)
  if (state.config === config) return state.stale
  const place = 'sudo install -D -m 600 /dev/stdin /etc/rancher/rke2/config.yaml'
  await runText(hereDocument(`${ssh(lab, node).join(' ')} ${quote(place)}`, config))
  return true
}

/** Enables and starts the service, or starts it anew; does not wait. Returns the node's clock (seconds) right after that:
 *  what is logged later is not of the process before. RKE2 repeats what it fails of. */
export async function startService(
  lab: Lab,
  node: Node,
  state: Rke2State,
  anew: boolean,
): Promise<number> {
  const service = serviceOf(node)
  if (state.service === 'active' && state.enabled && !anew) return state.now
  const verb = anew && state.service !== 'inactive' ? 'restart' : 'start'
  await run`${ssh(lab, node)} sudo systemctl enable ${service} 2>/dev/null`
  await run`${ssh(lab, node)} sudo systemctl ${verb} --no-block ${service}`
  const clock = mode.dryRun ? '' : (await queryWithin(60)`${ssh(lab, node)} date +%s`).stdout
  return (Number(clock) || state.now) + 1
}

interface Wait {
  seconds: number
  progress: NodeProgress
  /** The server whose API tells whether the node is Ready; itself for the first server. */
  teller: Node
  /** The node's clock since the service was started; older journal lines do not count. */
  since: number
}

/** Waits until the Kubernetes node is Ready; a known cause in the journal ends the wait at once. */
export async function waitForRke2(
  lab: Lab,
  node: Node,
  { seconds, progress, teller, since }: Wait,
): Promise<void> {
  if (mode.dryRun) return waitInScript(lab, node, teller, seconds)
  const at = { lab, node, server: teller.name === node.name ? undefined : teller }
  let seen: Sighting | undefined
  const probe = async (): Promise<Seen<true>> => {
    const answer = await watched(lab, node, since)
    if (answer instanceof LabError) return { state: answer.message } // busy, perhaps; the deadline decides
    const found = parts(answer)
    const [service = '', journal = '', containerd = ''] = ['service', 'journal', 'containerd'].map(
      (name) => (found.get(name) ?? '').trim(),
    )
    const nodes = await nodesFrom(lab, node, teller, service, found.get('nodes') ?? '')
    const kube = nodes?.find(({ name }) => name === node.name)
    const isStale = kube !== undefined && isBefore(kube.heartbeat, Number(found.get('started')))
    if (kube?.ready && !isStale && service === 'active') return { done: true }
    const now = Date.now()
    seen = sighting(diagnose(journal, at) ?? diagnose(containerd, at), seen, now)
    if (seen && isDue(seen, now)) throw explained(lab, node, seen.cause)
    const state = describe(service, nodes, isStale ? 'stale' : kube)
    progress.set(node.name, state, lastMessage(journal))
    return { state: `${state}; last log line: ${lastMessage(journal)}` }
  }
  await until(probe, { seconds, every: 3 }).catch((error: unknown) => {
    throw error instanceof TimedOut ? tooSlow(lab, node, seconds, error) : error
  })
  progress.done(node.name, 'Ready')
}

const watched = (lab: Lab, node: Node, since: number): Promise<string | LabError> =>
  askAsRoot(lab, node, watchScript(serviceOf(node), since)).catch((error: unknown) => {
    if (error instanceof LabError) return error
    throw error
  })

// An agent has no API of its own; the teller is asked only once there is something to tell.
async function nodesFrom(
  lab: Lab,
  node: Node,
  teller: Node,
  service: string,
  own: string,
): Promise<KubeNode[] | undefined> {
  if (service !== 'active') return undefined
  return node.role === 'server' ? parseKubeNodes(own) : kubeNodes(lab, teller)
}

function describe(
  service: string,
  nodes: KubeNode[] | undefined,
  kube: KubeNode | 'stale' | undefined,
): string {
  if (service !== 'active') return `service ${service || 'unknown'}`
  if (!nodes) return 'service active, the API does not answer yet'
  if (kube === 'stale') return 'service active, its kubelet has not reported yet'
  return kube ? 'Kubernetes node is NotReady' : 'service active, no Kubernetes node yet'
}

const journalCommand = (lab: Lab, node: Node) =>
  `${ssh(lab, node).join(' ')} sudo journalctl --unit ${serviceOf(node)} --lines 50 --no-pager`

const explained = (lab: Lab, node: Node, cause: Cause) =>
  new LabError(`${cause.why} [${cause.id}]`, {
    details: [`seen in: ${journalCommand(lab, node)}`],
    hint: cause.fix,
  })

const tooSlow = (lab: Lab, node: Node, seconds: number, { lastState }: TimedOut) =>
  new LabError(`not Ready within ${formatSeconds(seconds)}`, {
    details: [`last state: ${lastState}`],
    hint: [
      journalCommand(lab, node),
      `# then run this again, with more time if it only is slow: --timeout ${seconds * 2}`,
    ],
  })

async function waitInScript(lab: Lab, node: Node, teller: Node, seconds: number): Promise<void> {
  const there = `${ssh(lab, teller).join(' ')} sudo ${kubectl} get node ${node.name}`
  const loop = `until ${there} >/dev/null 2>&1; do sleep 5; done`
  await run`timeout ${seconds} sh -c ${loop}`
  await run`${ssh(lab, teller)} sudo ${kubectl.split(' ')} wait --for=condition=Ready node/${node.name} --timeout=${seconds}s`
}
