// EDGE. A new machine under a name that the cluster knows: its old Node and its password go first, once that is NotReady.
import { onNode } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import type { Check, Say, Step } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { kubeNodes, type Member } from './service.ts'
import { kubectl } from './state.ts'

/** The steps that remove the old Node of a node that is new. */
export function planOldNode(leader: Member, { node, state }: Member, seconds: number): Step[] {
  const old = leader.state.nodes?.find(({ name }) => name === node.name)
  if (state.hasRun || !old) return []
  const secret = `${node.name}.node-password.rke2`
  const onLeader = (words: string) => onNode(leader.node, `${kubectl} ${words}`, { root: true })
  return [
    ...(old.ready ? [untilNotReady(leader.node, node, seconds)] : []),
    // The Node last: as long as it is there, a run that was cut off comes here again.
    onLeader(`delete secret --namespace kube-system ${secret} --ignore-not-found`),
    onLeader(`delete node ${node.name}`),
  ]
}

function untilNotReady(leader: Node, node: Node, seconds: number): Check {
  const condition = `wait --for=condition=Ready=Unknown node/${node.name} --timeout=${seconds}s`
  return {
    do: 'check',
    bash: typedOn(leader, `sudo ${kubectl} ${condition}`),
    holds: (say) => waitUntilNotReady(leader, node, seconds, say),
  }
}

async function waitUntilNotReady(leader: Node, node: Node, seconds: number, say: Say) {
  say('new, but Kubernetes still takes the old one for alive; waiting until it does not')
  const probe = async (): Promise<Seen<void>> => {
    const nodes = await kubeNodes(leader)
    if (!nodes) return { state: `the API of ${leader.name} does not answer` }
    const old = nodes.find(({ name }) => name === node.name)
    return old?.ready ? { state: 'the old node is still Ready' } : { done: undefined }
  }
  await until(probe, { seconds, every: 3 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    throw new LabError(
      `Kubernetes has a Ready node of this name, after ${formatSeconds(seconds)} still`,
      {
        details: ['another machine seems to run under this name; it is left alone'],
        hint: typedOn(leader, `sudo ${kubectl} get node ${node.name} -o wide`),
      },
    )
  })
}
