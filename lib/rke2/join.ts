// EDGE. The steps that make a node a Ready member of the cluster.
import { onNode, storeOn } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { untilBash, type Check, type Run, type Say, type Step } from '../shell/steps.ts'
import { TimedOut, until, type Seen } from '../shell/wait.ts'
import { LabError } from '../text/errors.ts'
import { formatSeconds } from '../text/progress.ts'
import { commandText } from '../text/quote.ts'
import { planInstallOn } from './artifacts.ts'
import { planChecks, planNetworkRule } from './checks.ts'
import { clusterAddress, ingressOf, tokenFile } from './config.ts'
import { planVipAnswers } from './vip-steps.ts'
import { untilNodeReady } from './ready.ts'
import { checkClock, checkVersion } from './requirements.ts'
import {
  kubeNodes,
  planConfig,
  planStart,
  refusal,
  rememberImports,
  type Edited,
  type Member,
} from './service.ts'
import { kubectl, isReady, isUp, isUpBash, messageField, readyScript } from './kube-nodes.ts'

interface Joining {
  lab: Lab
  edited: Edited
  /** The server that nodes join, with the nodes that it knows. */
  leader: Member
  /** All nodes that were looked at, if more than the leader. */
  all?: Member[]
  /** Deadline for each node. */
  seconds: number
}

/** The steps that are missing until the node is Ready. If something must be fixed first, only a check that fails, so that
 *  the other nodes still join. */
export function planJoin(joining: Joining, joiner: Member): Step[] {
  try {
    return planMember(joining, joiner)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return [refusal(commandText`{ echo ${`${joiner.name}: ${error.message}`} >&2; false; }`, error)]
  }
}

function planMember(
  { lab, edited, leader, all = [leader], seconds }: Joining,
  joiner: Member,
): Step[] {
  const { node, state } = joiner
  checkVersion(lab, state)
  const config = planConfig(lab, joiner, edited, leader.node)
  const { nodes: known, ingress: found } = leader.state
  const ingress = ingressOf(lab, edited.server, found)
  const kube = known?.find(({ name }) => name === node.name)
  // A running agent does not register again after its Node was deleted or the cluster was recreated.
  const isForgotten = known !== undefined && !kube
  const registers = state.service !== 'active' || config.unread || isForgotten
  if (registers) checkClock(node, state, leader.node, leader.state)
  // A service that is already trying restarts too: it reads the new token only at its start.
  const start = planStart(joiner, registers)
  const memory = state.importsAgain ? [rememberImports(node)] : []
  if (start.length === 0 && isReady(state, kube, lab.rke2)) return [...memory, ...config.steps]
  return [
    ...planChecks(lab, joiner, edited, all),
    ...planNetworkRule(joiner),
    ...(state.version ? [] : planInstallOn(lab, node, ingress)),
    ...memory,
    ...config.steps,
    ...(registers ? planEntry(lab, leader, joiner, seconds) : []),
    ...(isForgotten && state.hasRun ? [sameCluster(node)] : []),
    ...start,
    untilNodeReady(lab, joiner, leader.node, seconds),
  ]
}

const planEntry = (lab: Lab, leader: Member, joiner: Member, seconds: number): Step[] => [
  ...planOldNode(lab, leader, joiner, seconds),
  copyToken(leader.node, joiner.node),
  ...planVipAnswers(lab, joiner.node, leader.node, seconds),
  checkServer(lab, leader.node, joiner.node),
]

// A recreated machine: the cluster still has a Node and a password of the old one under its name.
function planOldNode(lab: Lab, leader: Member, { node, state }: Member, seconds: number): Step[] {
  const old = leader.state.nodes?.find(({ name }) => name === node.name)
  if (state.hasRun || !old) return []
  const secret = `${node.name}.node-password.rke2`
  const onLeader = (words: string) => onNode(leader.node, `${kubectl} ${words}`, { root: true })
  return [
    ...(isUp(old, lab.rke2) ? [untilNotReady(lab, leader.node, node, seconds)] : []),
    // The Node last: while it exists, a run after an interruption gets here again.
    onLeader(`delete secret --namespace kube-system ${secret} --ignore-not-found`),
    onLeader(`delete node ${node.name} --timeout=120s`),
  ]
}

function untilNotReady(lab: Lab, leader: Node, node: Node, seconds: number): Check {
  const asked = commandOn(leader, readyScript(node.name), { root: true })
  const condition = `answer=$(${asked}\n) && read -r ready _ ${messageField(lab.rke2)} <<<"$answer" && ! [[ ${isUpBash(lab.rke2)} ]]`
  return {
    do: 'check',
    bash: untilBash(condition, seconds, 3),
    holds: (say) => waitUntilNotReady(lab, leader, node, seconds, say),
  }
}

async function waitUntilNotReady(
  { rke2 }: Lab,
  leader: Node,
  node: Node,
  seconds: number,
  say: Say,
) {
  say('new, but Kubernetes still reports the old node as Ready; waiting until it is NotReady')
  const probe = async (): Promise<Seen<void>> => {
    const nodes = await kubeNodes(leader)
    if (!nodes) return { state: `the API of ${leader.name} does not answer` }
    const old = nodes.find(({ name }) => name === node.name)
    return old && isUp(old, rke2) ? { state: 'the old node is still Ready' } : { done: undefined }
  }
  await until(probe, { seconds, every: 3 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
    throw new LabError(
      `Kubernetes still has a Ready node with this name after ${formatSeconds(seconds)}`,
      {
        details: ['another machine seems to use this name; it was not changed'],
        hint: typedOn(leader, `sudo ${kubectl} get node ${node.name} -o wide`),
      },
    )
  })
}

/** The step that copies the token of a server to a node that joins. It is never in a command or on this host. */
export const copyToken = (leader: Node, node: Node): Run => ({
  do: 'run',
  bash: `${commandOn(leader, 'cat /var/lib/rancher/rke2/server/token', { root: true })} | ${storeOn(node, tokenFile)}`,
})

const [unreachable, otherCluster] = [3, 4]

const preflight = (address: string) => `\
fetch() { curl --silent --insecure --noproxy ${address} --max-time 10 "$1" || wget --quiet --no-check-certificate --no-proxy --timeout=10 --output-document=- "$1"; }
test "$(fetch https://${address}:9345/ping)" = pong ||
  { echo "https://${address}:9345 does not answer from here [unreachable]" >&2; exit ${unreachable}; }
served=$(fetch https://${address}:9345/cacerts | sha256sum | cut -d ' ' -f 1)
expected=$(sed 's/^K10\\([0-9a-f]*\\)::.*/\\1/' ${tokenFile})
test "$served" = "$expected" ||
  { echo "the CA that https://${address}:9345 serves is not the one in the token [ca-mismatch]" >&2; exit ${otherCluster}; }
`

// On the node: the server's port answers, and the token has the hash of the server's CA.
const checkServer = (lab: Lab, leader: Node, node: Node): Run =>
  onNode(node, preflight(clusterAddress(lab, leader)), {
    root: true,
    explain: (error) =>
      [unreachable, otherCluster].includes(error.failed.status)
        ? new LabError(error.failed.stderr.split('\n').at(-1) ?? '', {
            hint: [
              typedOn(leader, 'systemctl status rke2-server'),
              "# does a firewall block it, or does another machine use the server's address?",
            ],
            cause: error,
          })
        : error,
  })

// The token's hash is that of the cluster's CA; the node keeps the CA of the cluster that it was a member of.
const sameCluster = (node: Node): Run =>
  onNode(
    node,
    `\
ca=/var/lib/rancher/rke2/agent/server-ca.crt
test ! -s $ca || grep -q "^K10$(sha256sum <$ca | cut -d ' ' -f 1)::" ${tokenFile} ||
  { echo "it was a member of an earlier cluster" >&2; exit 1; }
`,
    {
      root: true,
      orWarn: `${node.name} keeps pods, network and certificates of an earlier cluster; it was not tested whether it can join with these. If it does not become Ready, recreate it: destroy, create, eject, join`,
    },
  )
