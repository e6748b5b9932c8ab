// PURE. Watching a node that starts: one look after another, until it is Ready or a known cause ends the wait.
import type { Lab } from '../lab/lab.ts'
import { parts } from '../text/sections.ts'
import { hasLasted, isDue, sighting, type Cause, type Place, type Sighting } from './cause.ts'
import { endsAfter, keepsEnding, type Ends } from './ends.ts'
import { diagnose, hasImported, isImporting, lastMessage, onlyImports, timeOf } from './journal.ts'
import { parseRemains } from './remains.ts'
import { parseTimes, serviceOf, watchScript } from './state.ts'
import { apiVersionIn, isOfVersion, isReady, parseKubeNodes, type KubeNode } from './kube-nodes.ts'

/** How a watcher sees: the node's answer to a script, Kubernetes' nodes from another server, the clock (milliseconds). */
interface Eyes {
  ask: (script: string) => Promise<string>
  nodes: () => Promise<KubeNode[] | undefined>
  /** Writes to the node's disk what is only in its memory. */
  sync: () => Promise<unknown>
  now: () => number
}

// A cause that may still go away is part of the progress after so many seconds.
const toldAfter = 20

type Seen = { done: string | Cause } | { state: string; last: string }

/** Looks once more each time it is called. `version`: the node is done only when it, and a server's API, has that one. */
export function watcher(
  at: Place,
  rke2: Pick<Lab['rke2'], 'cni'>,
  { ask, nodes, sync, now }: Eyes,
  version?: string,
): () => Promise<Seen> {
  let journal = ''
  let cursor: string | undefined
  let since: number | undefined
  let imported = false
  let ends: Ends | undefined
  let seen: Sighting | undefined
  return async () => {
    const isServer = at.node.role === 'server'
    const asksVersion = isServer && version !== undefined
    const look = parseLook(await ask(watchScript(serviceOf(at.node), cursor, asksVersion)))
    const { service } = look
    const isUp = service === 'active'
    // What a service complained about before it came up is over, and RKE2 repeats its failures.
    journal += cursor === undefined && isUp ? onlyImports(look.journal) : look.journal
    cursor = look.cursor ?? cursor
    if (since === undefined && isUp) since = look.now
    ends = endsAfter(ends, look.restarts, look.result, now())
    // An agent has no API: its reporter is asked, once the service runs.
    const all = isUp ? (isServer ? look.nodes : await nodes()) : undefined
    const kube = all?.find(({ name }) => name === at.node.name)
    const versions = [kube?.version ?? '', ...(isServer ? [look.api] : [])]
    const old = versions.find((one) => version !== undefined && !isOfVersion(one, version))
    const isDone = isReady(look, kube, rke2) && old === undefined
    // A power cut within half a minute would leave empty files in unpacked images, for good.
    if (isDone || (hasImported(journal) && !imported)) await sync()
    imported = hasImported(journal)
    if (isDone)
      return { done: kube?.ready ? 'Ready' : 'NotReady: only a network plugin is missing' }
    const more = {
      kubelet: look.kubelet,
      ends: keepsEnding(ends, now()) ? ends : undefined,
      now: look.now * 1000,
    }
    const place = { ...at, remains: look.remains }
    const cause = diagnose(journal, look.containersSince(since ?? look.started), place, more)
    seen = sighting(cause, seen, now())
    if (seen && isDue(seen, now())) return { done: seen.cause }
    const isKnown = all !== undefined
    const state = describe(service, journal, isKnown, kube, old)
    const told = seen && hasLasted(seen, toldAfter, now()) ? `: ${seen.cause.why}` : ''
    return { state: state + told, last: lastMessage(journal) }
  }
}

function parseLook(answer: string) {
  const found = parts(answer)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const unit = new Map(text('unit').split('\n').map(pairOf))
  const { started, now } = parseTimes(found.get('start')) ?? { started: NaN, now: 0 }
  const [, journal = '', cursor] = /^([^]*?)(?:-- cursor: (.*)\n?)?$/.exec(
    found.get('journal') ?? '',
  )!
  const state = unit.get('ActiveState') ?? 'unknown'
  return {
    // A service with a job runs, but is about to be stopped.
    service: state === 'active' && unit.get('Job') ? 'deactivating' : state,
    started,
    now,
    restarts: Number(unit.get('NRestarts') ?? 0),
    result:
      unit.get('Result') === 'success'
        ? ''
        : `${unit.get('Result')}, status ${unit.get('ExecMainStatus')}`,
    journal,
    cursor,
    /** What was logged about containers by this containerd, not before `since`; dates in the future are of a wrong clock. */
    containersSince(since: number): string {
      const lines = text('containerd').split('\n')
      const start = lines.findLastIndex((line) => line.includes('msg="starting containerd"'))
      return [...lines.slice(start + 1), ...text('etcd').split('\n')]
        .filter((line) => timeOf(line) >= since * 1000 && timeOf(line) <= (now + 1) * 1000)
        .join('\n')
    },
    kubelet: text('kubelet'),
    nodes: parseKubeNodes(text('nodes')),
    api: apiVersionIn(text('api')),
    remains: parseRemains(found),
  }
}

const pairOf = (line: string): [string, string] => {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}

function describe(
  service: string,
  journal: string,
  isKnown: boolean,
  kube: KubeNode | undefined,
  old?: string,
): string {
  if (isImporting(journal)) return `service ${service}, importing images`
  if (service !== 'active') return `service ${service}`
  if (!isKnown) return 'service active, the API does not answer yet'
  if (kube?.ready)
    return old
      ? `service active, ${old} still answers`
      : 'service active, its kubelet has not reported yet'
  return kube ? 'Kubernetes node is NotReady' : 'service active, no Kubernetes node yet'
}
