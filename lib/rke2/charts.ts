// EDGE. Waits for the jobs by which RKE2 installs its charts.
import * as ui from '../cli/ui.ts'
import { askNode, commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { untilBash, type Check, type Say } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError } from '../text/errors.ts'
import { quote } from '../text/quote.ts'
import { kubectl } from './kube-nodes.ts'

// The jobs begin some time after a server has started: they count as ended when several looks have found none at work.
const [patience, every, looks] = [300, 5, 4]

const listing = `${kubectl} get jobs --namespace kube-system --output 'jsonpath={range .items[*]}{.metadata.name} {.status.succeeded}{"\\n"}{end}'`

/** The jobs that have not succeeded yet, of those that `listing` printed. */
export const unfinishedJobs = (listed: string): string[] =>
  listed.split('\n').flatMap((line) => /^(helm-install-\S+) *$/.exec(line.trimEnd())?.[1] ?? [])

/** The jobs of a server's charts have ended: one that the restart of another server cuts off may leave its chart pending
 *  for good (rancher/rke2#1124). After `most` seconds, or five minutes, only a warning. */
export function untilCharts(node: Node, most: number): Check {
  const seconds = Math.min(most, patience)
  const warning = `${node.name}: its charts are not all installed yet: ${typedOn(node, `sudo ${kubectl} get jobs --namespace kube-system`)}`
  const ended = `jobs=$(${listing}) && ! echo "$jobs" | grep '^helm-install-' | grep -qv ' 1$'`
  const look = commandOn(node, ended, { root: true })
  const condition = `{ if ${look}\nthen good=$((\${good:-0} + 1)); else good=0; fi; test $good -ge ${looks}; }`
  return {
    do: 'check',
    bash: `{ ${untilBash(condition, seconds, every)}\n} || echo ${quote(warning)} >&2`,
    holds: (say) => waitForCharts(node, seconds, warning, say),
  }
}

async function waitForCharts(
  node: Node,
  seconds: number,
  warning: string,
  say: Say,
): Promise<void> {
  let good = 0
  const probe = async (): Promise<Seen<void>> => {
    const jobs = unfinishedJobs(await askNode(node, listing, { root: true }))
    good = jobs.length > 0 ? 0 : good + 1
    if (good >= looks) return { done: undefined }
    const state = jobs.length > 0 ? `installing charts: ${jobs.join(', ')}` : 'its charts settle'
    say(state)
    return { state }
  }
  const silent = (error: unknown) => {
    if (!(error instanceof LabError)) throw error
    good = 0
    return { state: error.message }
  }
  await until(() => probe().catch(silent), { seconds, every }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    ui.warn(warning)
  })
}
