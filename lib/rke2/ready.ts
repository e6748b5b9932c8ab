// EDGE. Waits until a Kubernetes node is Ready; a known cause in the journal ends the wait early.
import { askNode, commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { untilBash, type Check, type Say } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { parts } from '../text/sections.ts'
import {
  diagnose,
  isDue,
  isImporting,
  lastMessage,
  sighting,
  timeOf,
  type Cause,
  type Sighting,
} from './journal.ts'
import { kubeNodes } from './service.ts'
import {
  isReady,
  parseKubeNodes,
  readyScript,
  serviceOf,
  startScript,
  watchScript,
  type KubeNode,
} from './state.ts'

/** The node is Ready according to the API of `reporter`; the first server is its own reporter. */
export function untilNodeReady(node: Node, reporter: Node, seconds: number): Check {
  const started = commandOn(node, startScript(serviceOf(node)), { root: true })
  const ready = commandOn(reporter, readyScript(node.name), { root: true })
  const condition = `started=$(${started}\n) && ready=$(${ready}
) && [[ $ready == True* && ! "\${ready#True }" < $started ]]`
  return {
    do: 'check',
    bash: untilBash(condition, seconds, 3),
    holds: (say) => waitForNode(node, reporter, seconds, say),
  }
}

async function waitForNode(node: Node, reporter: Node, seconds: number, say: Say): Promise<string> {
  const at = { node, server: reporter.name === node.name ? undefined : reporter }
  let since: number | undefined
  let seen: Sighting | undefined
  const probe = async (): Promise<Seen<Cause | 'Ready'>> => {
    since ??= await clockOf(node)
    const look = await lookOn(node, reporter, since)
    if (isReady(look, look.kube)) return { done: 'Ready' }
    const now = Date.now()
    seen = sighting(diagnose(look.journal, look.containerd, at), seen, now)
    if (seen && isDue(seen, now)) return { done: seen.cause }
    const [state, last] = [describe(look), lastMessage(look.journal)]
    say(state, last)
    return { state: `${state}; last log line: ${last}` }
  }
  const end = await until(() => probe().catch(busy), { seconds, every: 3 }).catch(
    (error: unknown) => {
      throw error instanceof TimedOut ? tooSlow(node, seconds, error) : error
    },
  )
  if (end !== 'Ready') throw explained(node, end)
  return end
}

// A node that does not answer may only be busy; the deadline decides.
function busy(error: unknown): { state: string } {
  if (error instanceof LabError) return { state: error.message }
  throw error
}

// One second later, so that no line of an earlier process counts. RKE2 repeats its failures.
const clockOf = async (node: Node) => Number(await askNode(node, 'date +%s')) + 1

interface Look {
  service: string
  started: number
  journal: string
  containerd: string
  /** Undefined while no API answers. */
  nodes: KubeNode[] | undefined
  kube: KubeNode | undefined
}

async function lookOn(node: Node, reporter: Node, since: number): Promise<Look> {
  const script = watchScript(serviceOf(node), since)
  const found = parts(await askNode(node, script, { root: true, seconds: 90 }))
  const text = (name: string) => (found.get(name) ?? '').trim()
  const service = text('service')
  // An agent has no API of its own: its reporter is asked, once the service runs.
  const ask = () => (node.role === 'server' ? parseKubeNodes(text('nodes')) : kubeNodes(reporter))
  const nodes = service === 'active' ? await ask() : undefined
  return {
    service,
    started: Number(text('started')),
    journal: text('journal'),
    containerd: text('containerd')
      .split('\n')
      .filter((line) => timeOf(line) >= since * 1000)
      .join('\n'),
    nodes,
    kube: nodes?.find(({ name }) => name === node.name),
  }
}

function describe({ service, journal, nodes, kube }: Look): string {
  if (isImporting(journal)) return `service ${service}, importing images`
  if (service !== 'active') return `service ${service || 'unknown'}`
  if (!nodes) return 'service active, the API does not answer yet'
  if (kube?.ready) return 'service active, its kubelet has not reported yet'
  return kube ? 'Kubernetes node is NotReady' : 'service active, no Kubernetes node yet'
}

const journalCommand = (node: Node) =>
  typedOn(node, `sudo journalctl --unit ${serviceOf(node)} --lines 50 --no-pager`)

const explained = (node: Node, { id, why, fix }: Cause) =>
  new LabError(`${why} [${id}]`, { details: [`found in: ${journalCommand(node)}`], hint: fix })

const tooSlow = (node: Node, seconds: number, { lastState }: TimedOut) =>
  new LabError(`not Ready within ${formatSeconds(seconds)}`, {
    details: [`last state: ${lastState}`],
    hint: [
      journalCommand(node),
      `# then run this again; if it is only slow, give it more time: --timeout ${seconds * 2}`,
    ],
  })
