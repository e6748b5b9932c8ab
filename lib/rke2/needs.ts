// PURE. What a node must have before RKE2 is installed: one table, judged from what was read of the node.
import { typedOn } from '../guest/ssh-files.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { script, type Hint } from '../text/errors.ts'
import { formatSize } from '../text/size.ts'
import { separate, vitalModules, type NodeFacts } from './facts.ts'
import { bringsNetwork } from './kube-nodes.ts'
import { mountByHand, mountScript, mountTrouble } from './mounts.ts'
import {
  addModules,
  clockTrouble,
  hasCgroupV1,
  installOn,
  newerImage,
  packagesOn,
  recreated,
  renewMachineId,
  setClock,
  useCgroupV2,
} from './system.ts'

/** A node before RKE2 is installed on it. */
export interface Candidate {
  lab: Lab
  node: Node
  state: NodeFacts
  /** The other nodes that were looked at. */
  others: { node: Node; state: Pick<NodeFacts, 'machineId'> }[]
  /** Its config.yaml. */
  config: string
}

interface Need {
  check: string
  /** What is wrong with the node, if anything. */
  wrong: (one: Candidate) => string | false | undefined
  fix: (one: Candidate) => Hint[]
  /** RKE2 starts all the same, or may start. */
  isWarning?: (one: Candidate) => boolean
  /** The same for sh on the node, in a printed script; `lacks` takes the message. */
  printed?: (one: Candidate) => string
}

// The kubelet's failCgroupV1, true since Kubernetes 1.35 (kubernetes/kubernetes#134298).
const takesV1 = ({ lab, config }: Candidate) =>
  Number(/^v1\.(\d+)/.exec(lab.rke2.version)?.[1]) < 35 || /fail-cgroupv1=false/i.test(config)

// vxlan is for the network plugins that RKE2 brings.
const usedBy = ({ lab }: Candidate, all: string[]) =>
  all.filter((name) => name !== 'vxlan' || !bringsNetwork(lab.rke2))

/** Modules that the node lacks, and whether that stops RKE2. */
const lackedBy = (one: Candidate) => {
  const lacking = usedBy(one, one.state.lacking ?? [])
  return { lacking: lacking.join(', '), stops: vitalModules.some((name) => lacking.includes(name)) }
}

// The archive is copied, then imported and unpacked; without it, images come one after another.
const leastFree = ({ rke2 }: Lab) => (rke2.images ? 6 : 3) * 2 ** 30

// RKE2's documentation asks for 4 GB; real servers and agents were seen to run with 3 and 2 GiB, of which the kernel keeps
// some.
const leastMemory = { server: 2.75 * 2 ** 30, agent: 1.75 * 2 ** 30 }

export const needs: Need[] = [
  {
    check: 'cgroup',
    wrong: ({ state }) => state.cgroup === 'tmpfs' && hasCgroupV1,
    isWarning: takesV1,
    fix: ({ node, state }) => [useCgroupV2(node, state), newerImage, recreated(node)],
    printed: () =>
      'test "$(stat -f -c %T /sys/fs/cgroup)" != tmpfs || lacks "cgroup v2, which the kubelet needs"',
  },
  {
    check: 'kernel modules',
    wrong: (one) => {
      const { lacking, stops } = lackedBy(one)
      return stops && `its kernel lacks ${lacking}: pods get no network`
    },
    fix: ({ node, state }) => addModules(node, state),
    printed: (one) =>
      `! command -v modprobe >/dev/null || for module in ${usedBy(one, vitalModules).join(' ')}; do
  modprobe -n -q "$module" || test -e "/sys/module/$module" || lacks "the kernel module $module"
done`,
  },
  {
    check: 'kernel modules',
    wrong: (one) => {
      if (!one.state.lacking) return 'its kernel modules could not be checked: it lacks modprobe'
      const { lacking, stops } = lackedBy(one)
      return !stops && lacking && `its kernel lacks ${lacking}, which some network plugins need`
    },
    isWarning: () => true,
    fix: ({ node, state }) =>
      state.lacking ? addModules(node, state) : [installOn(node, state, 'kmod')],
  },
  {
    check: 'programs',
    wrong: ({ state: { gaps } }) =>
      gaps.length > 0 && `it lacks ${gaps.join(' and ')}, so RKE2 cannot start containers`,
    fix: ({ node, state }) => [
      installOn(node, state, ...state.gaps),
      `# for future machines, in cloud-init/user-data.yaml: packages: [${packagesOn(state, state.gaps).join(', ')}]`,
    ],
    printed: () => `command -v iptables >/dev/null || lacks iptables
test "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ||
  command -v apparmor_parser >/dev/null || lacks apparmor`,
  },
  {
    check: 'prefix',
    wrong: ({ state: { prefix } }) =>
      prefix && `its /usr/local ${prefix}: RKE2 would go to /opt/rke2, where no script looks`,
    fix: ({ node }) => ['# use an image with a plain /usr/local, then:', recreated(node)],
    printed: () =>
      `! grep -qs '${separate}' /proc/mounts && test -w /usr/local || lacks "a /usr/local for RKE2, in the root file system"`,
  },
  {
    check: 'disk',
    wrong: ({ lab, state: { free } }) =>
      free > 0 &&
      free < leastFree(lab) &&
      `only ${formatSize(free)} is free on its disk, but RKE2 needs ${formatSize(leastFree(lab))}`,
    fix: ({ node }) => [
      typedOn(node, 'df -h'),
      '# or give it a larger disk in the lab file, then:',
      script('resize', node.name),
    ],
    printed: ({ lab }) =>
      `test "$(df --output=avail --block-size=1 /var/lib | tail -n 1)" -ge ${leastFree(lab)} || lacks "${formatSize(leastFree(lab))} of free disk"`,
  },
  {
    check: 'mounts',
    wrong: ({ node, state: { mounted } }) => mountTrouble(node, mounted),
    fix: ({ node, state: { mounted } }) => [
      '# a disk is formatted and mounted when its machine is made; where it was added later (only an empty one is formatted):',
      '# what is in the folder by now is hidden by the mount: move it first',
      ...mountByHand(node, mounted),
    ],
    printed: ({ node }) => mountScript(node),
  },
  {
    check: 'machine-id',
    wrong: ({ state: { machineId }, others }) => {
      const twins = others.filter(({ state }) => machineId !== '' && state.machineId === machineId)
      const names = twins.map(({ node }) => node.name)
      return (
        names.length > 0 &&
        `it has the same machine-id as ${names.join(' and ')}: their pods could not reach each other`
      )
    },
    fix: ({ node }) => [
      renewMachineId(node),
      '# for future machines: empty /etc/machine-id in the image',
    ],
  },
  {
    check: 'memory',
    wrong: ({ node, state: { memory } }) =>
      memory > 0 &&
      memory < leastMemory[node.role] &&
      `it has ${formatSize(memory)} of memory, and RKE2 asks for 4 GB: it may be slow, or processes are killed`,
    isWarning: () => true,
    fix: ({ node }) => [
      '# give it more memory in the lab file, then:',
      script('resize', node.name),
    ],
  },
  {
    check: 'clock',
    wrong: ({ state }) => clockTrouble(state.skew, 'this host, and dates the certificates'),
    isWarning: () => true,
    fix: ({ node, state }) => setClock(node, state),
  },
  {
    check: 'firewall',
    wrong: ({ state }) =>
      state.units.includes('firewalld') && "firewalld runs, and blocks the cluster's network",
    isWarning: () => true,
    fix: ({ node }) => [typedOn(node, 'sudo systemctl disable --now firewalld')],
  },
  {
    check: 'selinux',
    wrong: ({ state }) => state.lacksPolicy && 'SELinux is enforcing, without rke2-selinux',
    // With `selinux: true` and no policy the static pods never start (rancher/rke2#3381).
    isWarning: ({ config }) => !/^selinux: true$/m.test(config),
    fix: ({ node }) => [
      '# install rke2-selinux (docs.rke2.io/install/airgap) and set selinux: true in rke2/server.yaml and rke2/agent.yaml',
      '# or do without SELinux until the next boot:',
      typedOn(node, 'sudo setenforce 0'),
    ],
    printed: () =>
      'test "$(cat /sys/fs/selinux/enforce 2>/dev/null)" != 1 || rpm -q rke2-selinux >/dev/null || lacks "rke2-selinux, and SELinux is enforcing"',
  },
]
