// PURE. Known causes why RKE2 does not start: the line in its journal, and the fix. RKE2 itself would retry forever.
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { line, script, type Hint } from '../text/errors.ts'
import { joinUrl } from './config.ts'
import { kubectl } from './state.ts'

export interface Known {
  /** Short and stable: tests and documents use it. */
  id: string
  match: RegExp
  /** Seconds before it counts: some causes go away by themselves while a cluster starts. */
  patience?: number
  why: (at: Place) => string
  fix: (at: Place) => Hint[]
}

/** The node that RKE2 starts on, and the server that it joins. */
export interface Place {
  node: Node
  server?: Node | undefined
}

const name = ({ server }: Place) => server?.name ?? 'the server'
const onNode = ({ node }: Place, command: string) => typedOn(node, command)
const onServer = ({ node, server = node }: Place, command: string) => typedOn(server, command)
const urlOf = ({ server }: Place) => (server ? joinUrl(server) : 'the server')
const again = ({ node, server }: Place) =>
  server ? script('join', node.name) : script('install-rke2')
const tokenAgain = (at: Place) => [
  onNode(at, 'sudo grep -rls ^token /etc/rancher/rke2/config.yaml.d   # what overrides the token'),
  line(again(at), '   # reads the token again'),
]
const recreate = (at: Place) => {
  const { name } = at.node
  const [destroy, create] = [script('destroy', name), script('create', name)]
  return [line(destroy, ' && ', create, ' && ', script('eject', name)), again(at)]
}
const deleteNode = (at: Place) => onServer(at, `sudo ${kubectl} delete node ${at.node.name}`)
const deletePassword = (at: Place) => {
  const secret = `secret ${at.node.name}.node-password.rke2 --ignore-not-found`
  return onServer(at, `sudo ${kubectl} --namespace kube-system delete ${secret}`)
}

/** From the sources and issues of RKE2 and K3s. The first one that matches a line wins. */
export const known: Known[] = [
  {
    id: 'ca-mismatch',
    match: /token CA hash does not match the Cluster CA certificate hash/,
    why: (at) =>
      `its token belongs to another cluster: the CA hash in it is not that of ${name(at)} (was ${name(at)} recreated?)`,
    fix: tokenAgain,
  },
  {
    id: 'node-password',
    match: /Node password rejected/,
    why: () =>
      'the cluster knows this name with another password: the machine was recreated, or two machines have this name',
    fix: (at) => [deleteNode(at), deletePassword(at), again(at)],
  },
  {
    id: 'duplicate-name',
    match: /duplicate node name found/,
    why: () => 'etcd already has a member with this name: an older server was not removed',
    fix: (at) => [deleteNode(at), ...recreate(at)],
  },
  {
    id: 'wrong-token',
    match:
      /(failed to retrieve configuration from server|failed to validate server configuration).*(401 Unauthorized|not authorized)/,
    why: (at) => `${name(at)} does not accept its token`,
    fix: tokenAgain,
  },
  {
    id: 'agent-token',
    match: /(server-bootstrap|failed to validate server configuration).*403 Forbidden/,
    why: () => 'its token is for agents, but this node is a server',
    fix: tokenAgain,
  },
  {
    id: 'malformed-token',
    match: /invalid token (CA hash length|format)/,
    why: () => 'its token is damaged',
    fix: tokenAgain,
  },
  {
    id: 'config-mismatch',
    match: /critical configuration (mismatched|value mismatch)/,
    why: () =>
      'its configuration differs from that of the other servers in a key that must be the same (agent-token, cluster-cidr, service-cidr, cluster-dns, cluster-domain, ...)',
    fix: (at) => [
      '# change rke2.config in the lab file and rke2/server.yaml back to what the first server was installed with, then:',
      again(at),
    ],
  },
  {
    id: 'clock-skew',
    match: /x509: certificate has expired or is not yet valid/,
    why: (at) => `its clock differs from that of ${name(at)}`,
    fix: (at) => [
      onNode(at, 'timedatectl'),
      onNode(at, 'sudo systemctl restart systemd-timesyncd'),
      again(at),
    ],
  },
  {
    id: 'certificate-name',
    match: /x509: certificate is valid for .*, not /,
    why: (at) => `the certificate of ${name(at)} lacks the name or address used to reach it`,
    fix: (at) => [
      '# add that name or address to the lab file: rke2: { config: { tls-san: [...] } }, then:',
      script('install-rke2'),
      again(at),
    ],
  },
  {
    id: 'cis',
    match: /invalid kernel parameter value|missing required (user|group)/,
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
      onNode(at, 'sudo apt-get install --yes apparmor'),
      '# and in cloud-init/user-data.yaml: packages: [apparmor]',
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
    id: 'other-cluster-data',
    match: /bootstrap data already found and encrypted with different token/,
    why: () => 'its disk holds data of another cluster, or the token has changed',
    fix: recreate,
  },
  {
    id: 'wrong-port',
    match: /failed to get CA certs.*401 Unauthorized/,
    why: (at) => `it connects to the Kubernetes API instead of ${urlOf(at)}`,
    fix: (at) => [onNode(at, 'sudo grep -rs ^server: /etc/rancher/rke2'), again(at)],
  },
  {
    id: 'unreachable',
    match: /failed to get CA certs/,
    patience: 20,
    why: (at) => `it cannot reach ${urlOf(at)}: the server is down, or a firewall blocks it`,
    fix: (at) => [
      onServer(at, 'systemctl status rke2-server'),
      onNode(at, `curl -vk ${urlOf(at)}/ping`),
      again(at),
    ],
  },
  {
    id: 'too-many-learners',
    match: /too many learner members|unhealthy cluster/,
    patience: 120,
    why: () => 'another server is joining, or etcd is not healthy',
    fix: (at) => [onServer(at, `sudo ${kubectl} get nodes`), again(at)],
  },
  {
    id: 'missing-keys',
    match: /--(token|server) is required/,
    why: () => 'its configuration lacks server or token',
    fix: (at) => [again(at)],
  },
]
