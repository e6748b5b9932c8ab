// PURE. Known causes on the node itself: its kernel, its disk, its images, its files.
import { again, forgetFirstStart, install, onNode, recreate, type Known } from './cause.ts'

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
    match: /inotify.*(no space left on device|too many open files)/,
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
      '# give it a larger disk in the lab file, then recreate it:',
      ...recreate(at),
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
  {
    id: 'rate-limit',
    match: /429 Too Many Requests|toomanyrequests/,
    patience: 30,
    why: () => 'the registry refuses more image pulls for now (rate limit)',
    fix: (at) => [
      '# wait some hours, or let this host bring the images: rke2.images: true in the lab file, then:',
      ...recreate(at),
    ],
  },
  {
    id: 'image-pull',
    match: /failed to get runtime image|failed to pull (and unpack )?image|ErrImagePull/,
    patience: 30,
    why: () => 'images cannot be pulled: the node has no internet, or a registry is down',
    fix: (at) => [
      onNode(at, 'curl -sI https://registry-1.docker.io/v2/'),
      '# if the nodes have no internet: set rke2.images: true in the lab file, then recreate it:',
      ...recreate(at),
    ],
  },
  {
    id: 'first-start-cut-off',
    match: /no bootstrap data found in datastore/,
    why: () =>
      'its first start was cut off before its data was complete; it cannot go on from there',
    fix: (at) => [...forgetFirstStart(at), again(at)],
  },
  {
    id: 'etcd-silent',
    match: /failed to (reconcile with local datastore|start cluster): context deadline exceeded/,
    patience: 120,
    why: () =>
      'etcd does not answer: most of the other servers are off, or a power cut damaged its files',
    fix: (at) => [
      '# start all other servers of the lab, if there are any: they need each other',
      '# a single server that never was Ready (this deletes what it has):',
      ...forgetFirstStart(at),
      again(at),
    ],
  },
  {
    id: 'damaged-keys',
    match: /error loading key from .*agent\/|serving-kubelet\.crt: 400 Bad Request/,
    patience: 20,
    why: () => 'a power cut left empty key files; RKE2 makes new ones when they are gone',
    fix: (at) => [
      onNode(
        at,
        'sudo find /var/lib/rancher/rke2/agent /etc/rancher/node -maxdepth 1 -type f -size 0 -delete',
      ),
      again(at),
    ],
  },
  {
    id: 'kubelet-exits',
    match: /Kubelet exited: /,
    patience: 30,
    why: () => 'its kubelet ends at once; the last lines of kubelet.log say why',
    fix: (at) => [
      onNode(at, 'sudo tail -n 20 /var/lib/rancher/rke2/agent/logs/kubelet.log'),
      '# a wrong kubelet-arg: correct rke2.config in the lab file or rke2/*.yaml, then:',
      again(at),
    ],
  },
]
