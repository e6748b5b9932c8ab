// EDGE. A node made anew under a name that the cluster knows.
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { formatSeconds } from '../text/progress.ts'
import { ssh } from '../guest/ready.ts'
import { kubeNodes } from './service.ts'
import { kubectl, type KubeNode, type Rke2State } from './state.ts'
import { mode, run } from '../shell/shell.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import * as ui from '../cli/ui.ts'

/** A node that is new under a name that the cluster knows: the old Node and its password go first, once it is NotReady. */
export async function clearOldNode(
  lab: Lab,
  leader: Node,
  node: Node,
  state: Rke2State,
  seconds: number,
): Promise<void> {
  if (state.hasRun) return
  const old = await oldNode(lab, leader, node, seconds)
  if (!old) return
  if (old.ready && mode.dryRun)
    await run`${ssh(lab, leader)} sudo ${kubectl.split(' ')} wait --for=condition=Ready=Unknown node/${node.name} --timeout=${seconds}s`
  else if (old.ready) await waitUntilNotReady(lab, leader, node, seconds)
  // The Node last: as long as it is there, a run that was cut off comes here again.
  await run`${ssh(lab, leader)} sudo ${kubectl.split(' ')} delete secret --namespace kube-system ${node.name}.node-password.rke2 --ignore-not-found`
  await run`${ssh(lab, leader)} sudo ${kubectl.split(' ')} delete node ${node.name}`
}

// A server whose API does not answer knows nothing; in a dry run there may be none yet.
async function oldNode(
  lab: Lab,
  leader: Node,
  node: Node,
  seconds: number,
): Promise<KubeNode | undefined> {
  const probe = async (): Promise<Seen<KubeNode | undefined>> => {
    const nodes = await kubeNodes(lab, leader)
    if (!nodes && !mode.dryRun) return { state: `the API of ${leader.name} does not answer` }
    return { done: nodes?.find(({ name }) => name === node.name) }
  }
  return until(probe, { seconds: Math.min(seconds, 120), every: 3 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    throw new LabError(error.lastState, {
      hint: `${ssh(lab, leader).join(' ')} sudo ${kubectl} get nodes`,
    })
  })
}

async function waitUntilNotReady(
  lab: Lab,
  leader: Node,
  node: Node,
  seconds: number,
): Promise<void> {
  ui.detail(
    `${node.name} is new, but Kubernetes still takes the old one for alive; waiting until it does not`,
  )
  const probe = async (): Promise<Seen<true>> => {
    const nodes = await kubeNodes(lab, leader)
    if (!nodes) return { state: `the API of ${leader.name} does not answer` }
    const old = nodes.find(({ name }) => name === node.name)
    return old?.ready ? { state: 'the old node is still Ready' } : { done: true }
  }
  await until(probe, { seconds, every: 3 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    throw new LabError(
      `Kubernetes has a Ready node of this name, after ${formatSeconds(seconds)} still`,
      {
        details: ['another machine seems to run under this name; it is left alone'],
        hint: `${ssh(lab, leader).join(' ')} sudo ${kubectl} get node ${node.name} -o wide`,
      },
    )
  })
}
