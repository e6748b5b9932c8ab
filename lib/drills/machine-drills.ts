// EDGE. Faults of a machine: its network card, its processors, its disk, its clock.
import { hangUp, onNode } from '../guest/on-node.ts'
import { commandOn } from '../guest/ssh.ts'
import { typedOn } from '../guest/ssh-files.ts'
import { virsh } from '../libvirt/observe.ts'
import { tolerance } from '../rke2/kube-nodes.ts'
import { timeServices } from '../rke2/system.ts'
import { sh } from '../shell/steps.ts'
import { script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { journal, restart } from './cluster-drills.ts'
import { kubectlOn, type Drill, type Place } from './drill.ts'

const onHost = ({ lab }: Place, ...words: string[]) => commandText`${[...virsh(lab), ...words]}`

const unreachable: Drill = {
  name: 'unreachable',
  on: 'any',
  symptom: ({ node }) =>
    `${node.name} does not answer: no SSH, no kubectl logs, and after a minute it is NotReady. The machine has power.`,
  fault: ({ lab, node }) => [
    hangUp(node),
    sh`${virsh(lab)} domif-setlink ${node.name} ${node.mac} down`,
  ],
  undo: ({ lab, node }) => [sh`${virsh(lab)} domif-setlink ${node.name} ${node.mac} up`],
  repaired: (at) =>
    `link=$(${onHost(at, 'domif-getlink', at.node.name, at.node.mac)}) && ! grep -qw down <<<"$link"`,
  clues: (at) => [
    {
      says: 'the machine runs, but nothing of it arrives: is it the machine, or the way to it?',
      type: [onHost(at, 'domstate', at.node.name)],
    },
    {
      says: 'a machine has a network card, and libvirt has the other end of its cable',
      type: [onHost(at, 'domiflist', at.node.name)],
    },
    {
      says: 'its link is down: plug the cable in again',
      type: [onHost(at, 'domif-setlink', at.node.name, at.node.mac, 'up')],
    },
  ],
  lesson: ({ node }) =>
    `The link of ${node.name}'s network card was down. Kubernetes sees only that its kubelet does not report: after 40 to 50 s the node is NotReady, and five minutes later its pods are recreated elsewhere.`,
}

const hanging: Drill = {
  name: 'hanging',
  on: 'any',
  symptom: ({ node }) => `${node.name} does not react to anything, not even to its console.`,
  fault: ({ lab, node }) => [hangUp(node), sh`${virsh(lab)} suspend ${node.name}`],
  undo: (at) => [
    {
      do: 'run',
      bash: `state=$(${onHost(at, '-q', 'domstate', at.node.name)})
if [ "$state" = paused ]; then ${onHost(at, 'resume', at.node.name)}; fi`,
    },
  ],
  repaired: (at) => `test "$(${onHost(at, '-q', 'domstate', at.node.name)})" = running`,
  clues: (at) => [
    {
      says: 'when a machine is silent, first look from outside: what does libvirt say about it?',
      type: [script('status'), onHost(at, 'list', '--all')],
    },
    {
      says: 'a machine that is paused keeps its memory, but its processors stand still',
      type: [onHost(at, 'resume', at.node.name)],
    },
  ],
  lesson: ({ node }) =>
    `${node.name} was paused (virsh suspend). To Kubernetes that looks like a machine without power or network. When it resumes, its clock is late by the length of the pause until a time service sets it.`,
}

const filler = '/var/lib/drill.fill'
const space = 'df --output=avail,size --block-size=1K /var/lib | tail -n 1'

const evicting: Drill = {
  name: 'evicting',
  on: 'agent',
  symptom: ({ node }) =>
    `New pods stay away from ${node.name} although it is Ready; what you run there ends as Evicted.`,
  costs:
    'pods that are evicted stay in the list as Failed, and images that no pod uses are deleted: take a snapshot first, if the lab has no internet',
  fault: ({ node }) => [
    onNode(
      node,
      `rm -f ${filler}\nset -- $(${space})\nfallocate --length $(($1 - $2 / 33))K ${filler}`,
      { root: true },
    ),
  ],
  undo: ({ node }) => [onNode(node, `rm -f ${filler}`, { root: true })],
  repaired: ({ node }) =>
    commandOn(node, `test ! -e ${filler} || { set -- $(${space}) && test $(($1 * 10)) -gt $2; }`),
  clues: ({ node, server }) => [
    {
      says: 'the kubelet says why it evicts: as a condition of the Node, and as a taint',
      type: [kubectlOn(server, `describe node ${node.name}`)],
    },
    {
      says: 'DiskPressure: less than 5 % of a disk is free. Which one, and what fills it?',
      type: [
        typedOn(node, 'df -h /'),
        typedOn(node, "sudo find /var -xdev -size +1G -exec ls -lh '{}' +"),
      ],
    },
    {
      says: 'one large file that nothing needs; the taint disappears after some minutes',
      type: [typedOn(node, `sudo rm ${filler}`)],
    },
  ],
  lesson: ({ node }) =>
    `A file filled the disk of ${node.name}. The kubelet protects the machine: it deletes images, then evicts pods, and taints the Node with node.kubernetes.io/disk-pressure.`,
}

// By this host's clock.
const setClock = (behind: number) =>
  `sudo date --utc --set @${behind > 0 ? `$(($(date +%s) - ${behind}))` : '$(date +%s)'}`
const setAsHere = setClock(0)

const mistrusting: Drill = {
  name: 'mistrusting',
  on: 'agent',
  symptom: ({ node }) =>
    `${node.name} does not become Ready any more. Its service does not finish starting.`,
  fault: ({ node }) => [
    onNode(node, `systemctl stop ${timeServices.join(' ')} 2>/dev/null || true`, { root: true }),
    { do: 'run', bash: typedOn(node, setClock(2 * 365 * 86400)) },
    restart(node),
  ],
  undo: ({ node }) => [
    { do: 'run', bash: typedOn(node, setAsHere) },
    onNode(
      node,
      `for one in ${timeServices.join(' ')}\ndo ! systemctl is-enabled --quiet $one || systemctl start $one\ndone`,
      { root: true },
    ),
    restart(node),
  ],
  repaired: ({ node }) =>
    `ahead=$(($(${commandOn(node, 'date +%s')}) - $(date +%s))) && test "\${ahead#-}" -lt ${tolerance}`,
  clues: ({ node }) => [
    {
      says: 'what does the service say when it starts?',
      type: [journal(node)],
    },
    {
      says: 'a certificate that is "not yet valid" is mostly right; look at what it is compared with',
      type: [typedOn(node, 'date'), 'date'],
    },
    {
      says: 'its clock is years behind; a time service would set it, and so does this',
      type: [typedOn(node, setAsHere)],
    },
  ],
  lesson: ({ node }) =>
    `The clock of ${node.name} was two years behind, so every certificate of the cluster was not valid yet. Nodes need the same time: keep a time service running.`,
}

export const machineDrills = [unreachable, hanging, evicting, mistrusting]
