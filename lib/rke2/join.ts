// EDGE. The steps that make a node a Ready member of the cluster.
import { onNode } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Run, Step } from '../shell/steps.ts'
import { LabError } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { planInstallOn } from './artifacts.ts'
import { tokenFile } from './config.ts'
import { untilNodeReady } from './ready.ts'
import { planOldNode } from './replaced-node.ts'
import { checkClock, checkNeeds, checkVersion } from './requirements.ts'
import { planConfig, planStart, refusal, type Edited, type Member } from './service.ts'
import { isReady } from './state.ts'

export interface Joining {
  lab: Lab
  edited: Edited
  /** The server that newcomers join, with the nodes that it knows. */
  leader: Member
  /** Deadline for each node. */
  seconds: number
}

/** The steps that are missing until the node is Ready; what cannot be changed here is the only one then, so that others
 *  go on. */
export function planJoin(joining: Joining, joiner: Member): Step[] {
  try {
    return planMember(joining, joiner)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return [refusal(commandText`{ echo ${`${joiner.name}: ${error.message}`} >&2; false; }`, error)]
  }
}

function planMember({ lab, edited, leader, seconds }: Joining, joiner: Member): Step[] {
  const { node, state } = joiner
  checkVersion(lab, state)
  if (!state.version) checkNeeds(node, state)
  const config = planConfig(lab, joiner, edited, leader.node)
  const { nodes: known } = leader.state
  const kube = known?.find(({ name }) => name === node.name)
  // A running agent does not register again when its Node was deleted, or the cluster made again.
  const isForgotten = known !== undefined && !kube
  const entersAgain = state.service !== 'active' || config.unread || isForgotten
  if (entersAgain) checkClock(node, state, leader.node, leader.state)
  // Also where it is trying already: only a restart makes it read the token that was brought.
  const start = planStart(joiner, entersAgain)
  if (start.length === 0 && isReady(state, kube)) return []
  return [
    ...(state.version ? [] : planInstallOn(lab, node)),
    ...config.steps,
    ...(entersAgain ? planEntry(leader, joiner, seconds) : []),
    ...start,
    untilNodeReady(node, leader.node, seconds),
  ]
}

const planEntry = (leader: Member, joiner: Member, seconds: number): Step[] => [
  ...planOldNode(leader, joiner, seconds),
  bringToken(leader.node, joiner.node),
  checkServer(leader.node, joiner.node),
]

// From SSH to SSH; the token is never in a command or on this host.
const bringToken = (leader: Node, node: Node): Run => ({
  do: 'run',
  bash: `${typedOn(leader, 'sudo cat /var/lib/rancher/rke2/server/token')} | ${typedOn(node, `sudo install -D -m 600 /dev/stdin ${tokenFile}`)}`,
})

const [unanswered, otherCluster] = [3, 4]

const preflight = ({ address }: Node) => `
fetch() { curl --silent --insecure --max-time 10 "$1" || wget --quiet --no-check-certificate --timeout=10 --output-document=- "$1"; }
test "$(fetch https://${address}:9345/ping)" = pong ||
  { echo "https://${address}:9345 does not answer from here [unreachable]" >&2; exit ${unanswered}; }
served=$(fetch https://${address}:9345/cacerts | sha256sum | cut -d ' ' -f 1)
expected=$(sed 's/^K10\\([0-9a-f]*\\)::.*/\\1/' ${tokenFile})
test "$served" = "$expected" ||
  { echo "the CA that https://${address}:9345 serves is not the one in the token [ca-mismatch]" >&2; exit ${otherCluster}; }
`

// From the node: the server's port answers, and its CA is the one whose hash is in the token.
const checkServer = (leader: Node, node: Node): Run =>
  onNode(node, preflight(leader).trimStart(), {
    root: true,
    explain: (error) =>
      [unanswered, otherCluster].includes(error.failed.status)
        ? new LabError(error.failed.stderr.split('\n').at(-1) ?? '', {
            hint: [
              typedOn(leader, 'systemctl status rke2-server'),
              '# is a firewall between them, or does another machine have the address of the server?',
            ],
            cause: error,
          })
        : error,
  })
