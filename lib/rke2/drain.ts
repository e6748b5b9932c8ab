// EDGE. The steps that move the pods off a node before it is worked on, and let pods come again afterwards.
import { onNode } from '../guest/on-node.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import type { Run, Step } from '../shell/steps.ts'
import { LabError, type CommandError, type Hint } from '../text/errors.ts'
import { cordonMark, kubectl, type KubeNode } from './kube-nodes.ts'

/** The steps before and after work on a node. */
export interface Drain {
  before: Step[]
  after: Step[]
}

const patience = 120

/** Drains the node by way of a server's kubectl, unless no other node could take its pods. A node that the user has cordoned
 *  stays so afterwards; one that an interrupted run left does not. `without`: how to do it without a drain. */
export function planDrain(server: Node, kube: KubeNode, all: KubeNode[], without?: Hint): Drain {
  const isOwn = !kube.cordoned || kube.marked
  const after = isOwn ? planUncordon(server, kube.name) : []
  const others = all.filter(({ name, ready, cordoned }) => name !== kube.name && ready && !cordoned)
  if (others.length === 0) return { before: [], after: kube.marked ? after : [] }
  const mark = onServer(server, `annotate node ${kube.name} ${cordonMark}=true --overwrite`)
  return { before: [...(isOwn ? [mark] : []), drain(server, kube.name, isOwn, without)], after }
}

/** Lets pods come to a node again. */
export const planUncordon = (server: Node, name: string): Run[] => [
  onServer(server, `uncordon ${name}`),
  onServer(server, `annotate node ${name} ${cordonMark}-`),
]

const onServer = (server: Node, words: string): Run =>
  onNode(server, `${kubectl} ${words}`, { root: true })

// A drain that fails leaves the node cordoned (kubernetes: kubectl pkg/drain), so it is undone.
function drain(server: Node, name: string, isOwn: boolean, without?: Hint): Run {
  const words = `drain ${name} --ignore-daemonsets --delete-emptydir-data --force --timeout=${patience}s`
  const undo = planUncordon(server, name).map(({ bash }) => bash)
  return {
    ...onServer(server, words),
    state: 'draining',
    ...(isOwn ? { undo: undo.join('\n') } : {}),
    explain: (error) => notDrained(server, error, without),
  }
}

function notDrained(server: Node, cause: CommandError, without?: Hint): LabError {
  const lines = cause.failed.stderr
    .split('\n')
    .filter((line) => /^error|There are pending/.test(line))
  return new LabError(`its pods did not all leave within ${patience} s`, {
    details: lines.length > 0 ? lines.slice(-5) : [cause.message],
    hint: [
      typedOn(server, `sudo ${kubectl} get poddisruptionbudgets,pods --all-namespaces`),
      ...(without === undefined ? [] : ['# or without moving them:', without]),
    ],
    cause,
  })
}
