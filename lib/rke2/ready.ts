// EDGE. Waits until a Kubernetes node is Ready; a known cause in the journal ends the wait early.
import { askNode } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import type { Check, Say } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { commandText } from '../text/quote.ts'
import type { Cause } from './journal.ts'
import { kubeNodes } from './service.ts'
import { kubectl, serviceOf } from './state.ts'
import { watcher } from './watch.ts'

/** The node is Ready according to the API of `reporter`; the first server is its own reporter. */
export function untilNodeReady(node: Node, reporter: Node, seconds: number): Check {
  const there = typedOn(reporter, `sudo ${kubectl} get node ${node.name}`)
  const registered = `until ${there} >/dev/null 2>&1; do sleep 5; done`
  const ready = `wait --for=condition=Ready node/${node.name} --timeout=${seconds}s`
  return {
    do: 'check',
    bash: `${commandText`timeout ${seconds} sh -c ${registered}`}
${typedOn(reporter, `sudo ${kubectl} ${ready}`)}`,
    holds: (say) => waitForNode(node, reporter, seconds, say),
  }
}

async function waitForNode(node: Node, reporter: Node, seconds: number, say: Say): Promise<string> {
  const at = { node, server: reporter.name === node.name ? undefined : reporter }
  const look = watcher(at, {
    ask: (script) => askNode(node, script, { root: true, seconds: 90 }),
    nodes: () => kubeNodes(reporter),
    now: Date.now,
  })
  const probe = async (): Promise<Seen<Cause | 'Ready'>> => {
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
  if (end !== 'Ready') throw explained(node, end)
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
