// PURE. Known causes on the node itself: its kernel, its disk, its files.
import { script } from '../text/errors.ts'
import {
  again,
  bootCgroupV2,
  deletePassword,
  forgetImages,
  install,
  onNode,
  recreate,
  type Known,
  type Place,
} from './cause.ts'
import { hasCgroupV1, newerImage } from './system.ts'
import { ofImages } from './image-causes.ts'
import { registriesFile, registriesOnNode } from './registries.ts'
import { keyFolders } from './remains.ts'

export const kubeletExit = /Kubelet exited: /
const etcdRuns = /Connection to etcd is ready|is up and running/

const emptyKeys = (_: Place, line = '') => {
  const file = /^empty file: (\/.*)/.exec(line)?.[1]
  return `a power cut left empty key files${file ? ` (${file})` : ''}; RKE2 makes new ones when they are gone`
}

export const ofTheNode: Known[] = [
  {
    id: 'cis',
    match: /invalid kernel parameter value|missing required:? (user|group)/,
    why: () => 'profile: cis needs kernel parameters and a user and group etcd that are missing',
    fix: (at) => [
      onNode(
        at,
        'sudo cp /usr/local/share/rke2/rke2-cis-sysctl.conf /etc/sysctl.d/60-rke2-cis.conf',
      ),
      onNode(at, 'sudo systemctl restart systemd-sysctl'),
      onNode(at, 'sudo useradd -r -c etcd -s /sbin/nologin -M -U etcd'),
      again(at),
    ],
  },
  {
    id: 'registries',
    match: /server is not ready: yaml: /, // wharfie's reader of registries.yaml
    why: () => `its ${registriesOnNode} is not valid YAML`,
    fix: (at) => [
      onNode(at, `sudo rm ${registriesOnNode}`),
      `# or correct it, in ${registriesFile}; then:`,
      again(at),
    ],
  },
  {
    id: 'apparmor',
    match: /apparmor_parser/,
    why: () => 'AppArmor is on, but apparmor_parser is not installed: no container can start',
    fix: (at) => [
      install(at, 'apparmor'),
      '# and in cloud-init/user-data.yaml: packages: [apparmor]',
      again(at),
    ],
  },
  {
    id: 'inotify-limit',
    match: /(fs|i)notify.*(no space left on device|too many open files)/,
    why: () => 'its limit of inotify watches is reached; its disk is not full',
    fix: (at) => [
      onNode(
        at,
        'sudo sysctl -w fs.inotify.max_user_instances=8192 fs.inotify.max_user_watches=524288',
      ),
      again(at),
    ],
  },
  {
    id: 'no-space',
    match: /no space left on device/,
    why: () => 'its disk is full',
    fix: (at) => [
      onNode(at, 'df -h / /var/lib'),
      '# give it a larger disk in the lab file, then:',
      script('resize', at.node.name),
    ],
  },
  {
    id: 'no-cgroup',
    match: /failed to find (memory|cpuset|cpu) cgroup/,
    why: () => 'its kernel has a cgroup controller switched off that Kubernetes needs',
    fix: (at) => [
      onNode(at, 'cat /proc/cgroups /proc/cmdline'),
      '# use another image, then:',
      ...recreate(at),
    ],
  },
  ...ofImages,
  {
    id: 'first-start-cut-off',
    match:
      /no bootstrap data found in datastore|failed to (reconcile with local datastore|start cluster): context deadline exceeded/,
    when: ({ remains }) => remains?.unborn === true,
    until: etcdRuns,
    patience: 30,
    why: () =>
      'its first start was cut off before its data was complete; it cannot continue from there',
    fix: (at) => ['# nothing is lost: this server was never Ready', ...forgetImages(at, true)],
  },
  {
    id: 'no-bootstrap-data',
    match: /no bootstrap data found in datastore/,
    why: () =>
      'its etcd lacks the certificates of the cluster: another token is configured, or the data is incomplete',
    fix: (at) => [
      onNode(at, 'sudo grep -rls ^token /etc/rancher/rke2   # a token that is not the old one?'),
      onNode(at, 'sudo ls /var/lib/rancher/rke2/server/db/snapshots'),
      '# a snapshot is there: tutorials/27-backup.md restores it; there is none: recreate the machine',
      ...recreate(at),
    ],
  },
  {
    id: 'etcd-silent',
    match: /failed to (reconcile with local datastore|start cluster): context deadline exceeded/,
    until: etcdRuns,
    patience: 240, // servers that were all off found each other two minutes after the first one waited, in a recording
    why: ({ away = [] }) =>
      away.length > 0
        ? `etcd does not answer, and these servers cannot be reached: ${away.join(', ')}; etcd needs most of the servers`
        : 'etcd does not answer: most of the other servers are off, or it hangs',
    fix: (at) => [
      ...(at.away?.length ? [script('start', ...at.away)] : []),
      '# if all servers of the lab run: stop what hangs, then start it again',
      onNode(at, 'sudo /usr/local/bin/rke2-killall.sh'),
      again(at),
    ],
  },
  {
    id: 'damaged-server-keys',
    match:
      /^empty file: \S+\/server\/|error loading key from .*server\/|data does not contain a(ny)? valid RSA or ECDSA/,
    when: ({ node }) => node.role === 'server',
    patience: 20, // those of the cluster come back from etcd at the next start
    why: emptyKeys,
    fix: (at) => [
      "# from RKE2's source, not tested: the empty files are deleted; RKE2 recreates all except the cluster's own",
      onNode(at, 'sudo systemctl stop rke2-server'),
      onNode(at, `sudo find ${keyFolders.server.join(' ')} -maxdepth 1 -type f -size 0 -delete`),
      onNode(at, 'sudo /usr/local/bin/rke2 certificate rotate'),
      again(at),
    ],
  },
  {
    id: 'damaged-keys',
    match:
      /^empty file: \/|error loading key from .*agent\/|data does not contain a(ny)? valid RSA or ECDSA|serving-kubelet\.crt: 400 Bad Request|node password not set/,
    patience: 20,
    why: emptyKeys,
    fix: (at, line = '') => [
      onNode(at, `sudo find ${keyFolders.agent.join(' ')} -maxdepth 1 -type f -size 0 -delete`),
      ...(line.includes('password') ? [deletePassword(at)] : []), // the cluster knows the old one
      again(at),
    ],
  },
  {
    id: 'cgroup-v1',
    match: /not run on a host using cgroup v1/,
    patience: 15,
    why: () => hasCgroupV1,
    fix: (at) => [bootCgroupV2(at), again(at), newerImage, ...recreate(at)],
  },
  {
    id: 'kubelet-exits',
    match: kubeletExit,
    until: /Running kubelet/,
    patience: 30,
    why: (_, said = 'the last lines of kubelet.log say why') => `its kubelet ends at once: ${said}`,
    fix: (at) => [
      onNode(at, 'sudo tail -n 20 /var/lib/rancher/rke2/agent/logs/kubelet.log'),
      `# correct kubelet-arg: in rke2.config of the lab file, or in rke2/${at.node.role}.yaml, then:`,
      again(at),
    ],
  },
]
