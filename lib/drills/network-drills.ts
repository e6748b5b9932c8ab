// EDGE. Faults of the network: on a node's card, and between its pods.
import { onNode } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { kubectlOn, type Drill } from './drill.ts'

// For root's sh on the node: the card with its address, and how that queues what it sends. Ends with 2 if that cannot be read.
const readCard = ({ address }: Node) =>
  `card=$(ip -o -4 address show to ${address} | { read -r _ name _; echo "$name"; })
test -n "$card" || exit 2
queue=$(tc qdisc show dev "$card" root) || exit 2`

const slow: Drill = {
  name: 'slow',
  on: 'agent',
  symptom: ({ node }) =>
    `${node.name} is Ready, but all that comes from it takes long: a login, kubectl logs, what its pods send.`,
  // 0: is the handle of what the kernel chose. Cloud kernels may lack netem, which comes in a separate package (Ubuntu's
  // linux-modules-extra), or both.
  needs: ({ node }) => ({
    script: `command -v tc >/dev/null || exit 1
${readCard(node)}
case "$queue" in *' 0: '*) ;; *) exit 1 ;; esac
modprobe -q sch_netem || modprobe -q sch_tbf || exit 1`,
    words:
      'lacks tc with the kernel modules sch_netem or sch_tbf, or its card already has rules for what it sends',
  }),
  fault: ({ node }) => [
    onNode(
      node,
      `${readCard(node)}
tc qdisc replace dev "$card" root netem delay 400ms 2>/dev/null ||
tc qdisc replace dev "$card" root tbf rate 128kbit burst 4kb latency 1s`,
      { root: true },
    ),
  ],
  undo: ({ node }) => [
    onNode(
      node,
      `${readCard(node)}
case "$queue" in *netem* | *tbf*) tc qdisc del dev "$card" root ;; esac`,
      { root: true },
    ),
  ],
  repaired: ({ node }) =>
    commandOn(
      node,
      `${readCard(node)}
case "$queue" in *netem* | *tbf*) exit 1 ;; esac`,
      { root: true },
    ),
  clues: ({ node, server }) => [
    {
      says: 'is it slow to work, or slow to answer? Its load, and the time that an answer needs; compare with another node',
      type: [
        typedOn(node, 'uptime'),
        `ping -c 3 ${node.address}`,
        ...(server === node ? [] : [`ping -c 3 ${server.address}`]),
      ],
    },
    {
      says: 'nothing keeps its processors busy: what it sends waits in a queue',
      type: [typedOn(node, 'sudo tc -s qdisc show')],
    },
    {
      says: 'netem delays every packet (tbf lets only some through): remove that rule; the kernel puts its usual one there',
      type: [
        typedOn(
          node,
          'sudo tc qdisc del dev CARD root   # the name behind dev in that line: enp1s0, eth0, ...',
        ),
      ],
    },
  ],
  lesson: ({ node }) =>
    `A rule on the network card of ${node.name} held up all that it sent (tc, netem or tbf). A node that is only slow stays Ready: its kubelet needs a few bytes every ten seconds. Such rules are gone after a boot.`,
}

const folder = '/etc/cni/net.d'
const conflist = '10-canal.conflist'
const aside = '/var/lib/rancher/rke2/drill-cni'

const noNewPods: Drill = {
  name: 'no-new-pods',
  on: 'agent',
  // Only canal's file is known to stay away: its pod writes it once, when it starts (rke2-canal: the init container
  // install-cni). Cilium and multus keep writing theirs.
  unfit: ({ rke2 }) =>
    [rke2.cni].flat().join() === 'canal' ? undefined : "needs RKE2's usual network plugin, canal",
  symptom: ({ node }) =>
    `${node.name} is NotReady after some seconds. Its kubelet reports and its pods keep running, but no new one gets an address.`,
  needs: () => ({
    script: `test -e ${folder}/${conflist}`,
    words: `has no ${folder}/${conflist}`,
  }),
  fault: ({ node }) => [
    onNode(
      node,
      `mkdir -p ${aside} || exit\n! test -e ${folder}/${conflist} || mv ${folder}/${conflist} ${aside}/`,
      { root: true },
    ),
  ],
  // Written again, whatever happened: containerd reads its configuration when a file there is written or goes away, not when
  // one is moved there (internal/cri/server/cni_conf_syncer.go ignores fsnotify's Create).
  undo: ({ node }) => [
    onNode(
      node,
      `mkdir -p ${aside} && cd ${aside} || exit
test -e ${conflist} || ! test -e ${folder}/${conflist} || cp -p ${folder}/${conflist} . || exit
! test -e ${conflist} || cp -p ${conflist} ${folder}/ || exit
cd / && rm -rf ${aside}`,
      { root: true },
    ),
  ],
  tidy: ({ node }) => [onNode(node, `rm -rf ${aside}`, { root: true })],
  repaired: ({ node }) => commandOn(node, `test -e ${folder}/${conflist}`, { root: true }),
  clues: ({ node, server }) => [
    {
      says: 'the kubelet reports, and says itself what is missing',
      type: [kubectlOn(server, `describe node ${node.name}`)],
    },
    {
      says: 'NetworkPluginNotReady: the kubelet passes on what containerd says. What does containerd look for, and where?',
      type: [
        typedOn(node, 'sudo tail -n 20 /var/lib/rancher/rke2/agent/containerd/containerd.log'),
        typedOn(node, `sudo ls -l ${folder}`),
      ],
    },
    {
      says: `the network plugin's configuration is gone. Canal writes it when its pod on a node starts; its DaemonSet replaces one that is deleted`,
      type: [
        kubectlOn(
          server,
          `delete pod --namespace kube-system --selector k8s-app=canal --field-selector spec.nodeName=${node.name}`,
        ),
      ],
    },
  ],
  lesson: ({ node }) =>
    `${folder}/${conflist} was moved away on ${node.name}. Without it containerd gives no pod an address, and the kubelet reports NotReady. The network plugin's own pods use the node's network, so they can start and write it. (A file that is moved back is not noticed until RKE2 is restarted; one that is copied back is.)`,
}

export const networkDrills = [slow, noNewPods]
