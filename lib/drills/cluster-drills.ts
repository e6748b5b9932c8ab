// EDGE. Faults of the cluster: RKE2's services, their configuration, and Kubernetes' nodes.
import { onNode, putOnNode } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { tokenFile } from '../rke2/config.ts'
import { copyToken } from '../rke2/join.ts'
import { kubectl } from '../rke2/kube-nodes.ts'
import { serviceOf } from '../rke2/state.ts'
import type { Run } from '../shell/steps.ts'
import { script } from '../text/errors.ts'
import { kubectlOn, type Drill } from './drill.ts'

/** The step that restarts RKE2 on a node, without a wait. */
export const restart = (node: Node): Run =>
  onNode(node, `systemctl restart --no-block ${serviceOf(node)}`, { root: true })

/** What its service says, as a user types it. */
export const journal = (node: Node) =>
  typedOn(node, `sudo journalctl --unit ${serviceOf(node)} --lines 20 --no-pager`)

// A service that is stopped, and stays so after a boot.
const withoutService: Pick<Drill, 'fault' | 'undo' | 'repaired'> = {
  fault: ({ node }) =>
    ['disable', 'stop'].map((verb) =>
      onNode(node, `systemctl ${verb} ${serviceOf(node)}`, { root: true }),
    ),
  undo: ({ node }) =>
    ['enable', 'start --no-block'].map((verb) =>
      onNode(node, `systemctl ${verb} ${serviceOf(node)}`, { root: true }),
    ),
  repaired: ({ node }) =>
    ['is-active', 'is-enabled']
      .map((verb) => commandOn(node, `systemctl ${verb} --quiet ${serviceOf(node)}`))
      .join(' && '),
}
const startsAgain = (node: Node) => typedOn(node, `sudo systemctl enable --now ${serviceOf(node)}`)

const notReady: Drill = {
  name: 'not-ready',
  on: 'agent',
  symptom: ({ node }) =>
    `${node.name} is NotReady after a minute, although the machine answers and its pods keep running.`,
  ...withoutService,
  clues: ({ node, server }) => [
    {
      says: 'Ready is what the kubelet reports; what has stopped reporting?',
      type: [kubectlOn(server, `describe node ${node.name}`)],
    },
    {
      says: `the kubelet is a part of the service ${serviceOf(node)}`,
      type: [typedOn(node, `systemctl status ${serviceOf(node)}`)],
    },
    {
      says: 'it is stopped, and disabled: it would not come back after a boot either',
      type: [startsAgain(node)],
    },
  ],
  lesson: ({ node }) =>
    `${serviceOf(node)} was stopped on ${node.name}. containerd's shims keep the containers alive without it, but nobody reports to the API.`,
}

const noApi: Drill = {
  name: 'no-api',
  on: 'server',
  symptom: ({ node }) => `kubectl does not reach ${node.name} any more.`,
  ...withoutService,
  // The service alone leaves etcd and the API running, as static pods.
  fault: (at) => [
    ...withoutService.fault(at),
    onNode(at.node, '/usr/local/bin/rke2-killall.sh', { root: true }),
  ],
  clues: ({ node }) => [
    {
      says: 'the API is a program on a server: does the machine answer, and what listens there?',
      type: [typedOn(node, `systemctl status ${serviceOf(node)}`)],
    },
    { says: 'when did it stop, and why?', type: [journal(node)] },
    {
      says: 'someone stopped and disabled it',
      type: [startsAgain(node)],
    },
  ],
  lesson: ({ node }) =>
    `${serviceOf(node)} was stopped on ${node.name}, and its pods with it: etcd, the API, the scheduler. (A stop of the service alone leaves them running.) Pods on other nodes keep running, but nothing is scheduled, repaired or changed through this server.`,
}

const drillConfig = '/etc/rancher/rke2/config.yaml.d/50-drill.yaml'
const flag = 'no-such-flag'

const halfAlive: Drill = {
  name: 'half-alive',
  on: 'agent',
  symptom: ({ node }) => `${node.name} is NotReady after a minute, although its service is active.`,
  fault: ({ node }) => [putOnNode(node, drillConfig, `kubelet-arg: [${flag}=1]\n`), restart(node)],
  undo: ({ node }) => [onNode(node, `rm -f ${drillConfig}`, { root: true }), restart(node)],
  repaired: ({ node }) => commandOn(node, `! grep -rqs ${flag} /etc/rancher/rke2`, { root: true }),
  clues: ({ node }) => [
    { says: 'the service is active, but which part of it is not?', type: [journal(node)] },
    {
      says: 'the kubelet exits again and again; the reason is in its own log',
      type: [typedOn(node, 'sudo tail -n 20 /var/lib/rancher/rke2/agent/logs/kubelet.log')],
    },
    {
      says: 'a flag that the kubelet does not know: find it, remove it, restart the service',
      type: [
        typedOn(node, `sudo grep -rs kubelet-arg /etc/rancher/rke2`),
        typedOn(node, `sudo rm ${drillConfig}`),
        typedOn(node, `sudo systemctl restart ${serviceOf(node)}`),
      ],
    },
  ],
  lesson: ({ node }) =>
    `A file in /etc/rancher/rke2/config.yaml.d gave the kubelet of ${node.name} a flag that it does not know. RKE2 reads all files there; the service stays active and starts the kubelet again every few seconds.`,
}

const wrongHash = `K10${'0'.repeat(64)}`

const rejected: Drill = {
  name: 'rejected',
  on: 'agent',
  symptom: ({ node }) =>
    `${node.name} was restarted and does not come back into the cluster. Its machine and its network are fine.`,
  fault: ({ node }) => [
    onNode(node, `sed -i 's/^K10[0-9a-f]*/${wrongHash}/' ${tokenFile}`, { root: true }),
    restart(node),
  ],
  undo: ({ node, server }) => [copyToken(server, node), restart(node)],
  repaired: ({ node }) => commandOn(node, `! grep -q ${wrongHash} ${tokenFile}`, { root: true }),
  clues: ({ node }) => [
    { says: 'what does the service say when it starts?', type: [journal(node)] },
    {
      says: 'its token holds a hash of the CA that it trusts; that is not the CA of this cluster',
    },
    {
      says: 'join.ts looks at a node, finds what is missing or wrong, and continues from there',
      type: [script('join', node.name)],
    },
  ],
  lesson: ({ node }) =>
    `The hash in the token of ${node.name} was that of another CA. So a node never sends its secret to a server that only has the right address.`,
}

// Those that the cluster has: nodes of the lab file may have left it meanwhile.
const onAllNodes = (server: Node, verb: string) =>
  onNode(
    server,
    `nodes=$(${kubectl} get nodes -o name) && for one in $nodes; do ${kubectl} ${verb} "\${one#node/}" || exit; done`,
    { root: true },
  )

const pending: Drill = {
  name: 'pending',
  on: 'server',
  symptom: () => 'Every node is Ready, but new pods stay Pending.',
  fault: ({ server }) => [onAllNodes(server, 'cordon')],
  undo: ({ server }) => [onAllNodes(server, 'uncordon')],
  repaired: ({ server }) =>
    `nodes=$(${commandOn(server, `${kubectl} get nodes -o json`, { root: true })}) && ! grep -q '"unschedulable": *true' <<<"$nodes"`,
  clues: ({ lab, server }) => [
    {
      says: 'the scheduler writes why it finds no place for a pod: make one, and look at its events',
      type: [
        kubectlOn(server, 'run try --image=nginx'),
        kubectlOn(server, 'describe pod try'),
        kubectlOn(server, 'delete pod try'),
      ],
    },
    { says: 'a second look at the nodes', type: [kubectlOn(server, 'get nodes')] },
    {
      says: 'SchedulingDisabled: someone cordoned them, as before maintenance, and did not undo it',
      type: lab.nodes.map(({ name }) => kubectlOn(server, `uncordon ${name}`)),
    },
  ],
  lesson: () =>
    'All nodes were cordoned. Running pods stay, no new one comes. Drain does the same to one node before it moves its pods; uncordon ends both.',
}

export const clusterDrills = [notReady, noApi, halfAlive, rejected, pending]
