// EDGE. Waits until a Kubernetes node is Ready; a known cause in the journal ends the wait early.
import { askNode, commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { untilBash, type Check, type Say } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import type { Cause, Place } from './cause.ts'
import {
  apiVersionScript,
  isOfVersionBash,
  isUpBash,
  messageField,
  readyScript,
} from './kube-nodes.ts'
import { kubeNodes, type Member } from './service.ts'
import { serviceOf, startedScript } from './state.ts'
import { watcher } from './watch.ts'

/** The node is Ready according to the API of `reporter`, and what it has unpacked is on its disk; the first server is its
 *  own reporter. With `cni: none` it may lack a network. `away`: servers that cannot be reached. `version`: what its kubelet,
 *  and a server's API, must have by then. */
export function untilNodeReady(
  lab: Lab,
  { node, state }: Pick<Member, 'node' | 'state'>,
  reporter: Node,
  seconds: number,
  away: string[] = [],
  version?: string,
): Check {
  const server = reporter.name === node.name ? undefined : reporter
  const holds = (say: Say) =>
    waitForNode(lab, { node, system: state, server, away }, reporter, { seconds, version }, say)
  const own = version && node.role === 'server' ? `${apiVersionScript(version)} &&\n` : ''
  const started = commandOn(node, own + startedScript(serviceOf(node)), { root: true })
  const ready = commandOn(reporter, readyScript(node.name, version !== undefined), { root: true })
  const fields = `started latest ${version ? 'version ' : ''}ready heartbeat ${messageField(lab.rke2)}`
  const isNew = version ? `${isOfVersionBash(version)} && ` : ''
  const condition = `times=$(${started}\n) && answer=$(${ready}
) && read -r ${fields} <<<"$times $answer" && [[ ${isNew}$heartbeat > $started && $heartbeat < $latest && ${isUpBash(lab.rke2)} ]]`
  return {
    do: 'check',
    bash: `${untilBash(condition, seconds, 3)}\n${typedOn(node, 'sync')}`,
    holds,
  }
}

async function waitForNode(
  { rke2 }: Lab,
  at: Place,
  reporter: Node,
  { seconds, version }: { seconds: number; version: string | undefined },
  say: Say,
): Promise<string> {
  const { node } = at
  const eyes = {
    ask: (script: string) => askNode(node, script, { root: true, seconds: 90 }),
    nodes: () => kubeNodes(reporter),
    sync: () => askNode(node, 'sync', { seconds: 300 }),
    now: Date.now,
  }
  const look = watcher(at, rke2, eyes, version)
  const probe = async (): Promise<Seen<Cause | string>> => {
    const seen = await look()
    if ('done' in seen) return seen
    say(seen.state, seen.last)
    return { state: `${seen.state}; last log line: ${seen.last}` }
  }
  const end = await until(() => probe().catch(busy), { seconds, every: 3 }).catch(
    (error: unknown) => {
      throw error instanceof TimedOut ? tooSlow(node, seconds, error) : error
    },
  )
  if (typeof end !== 'string') throw explained(node, end)
  return end
}

// A node that does not answer may only be busy; the deadline decides.
function busy(error: unknown): { state: string } {
  if (error instanceof LabError) return { state: error.message }
  throw error
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
