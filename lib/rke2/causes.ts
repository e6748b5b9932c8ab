// PURE. Why RKE2 does not come up: what its journal says then, and what fixes it. RKE2 itself would try forever.
import { typedOn } from '../guest/ssh-files.ts'
import type { Node } from '../lab/lab.ts'
import { line, script, type Hint } from '../text/errors.ts'
import { joinUrl } from './config.ts'
import { kubectl } from './state.ts'

export interface Known {
  /** Short name, stable: tests and documents use it. */
  id: string
  match: RegExp
  /** Seconds it may stay before it counts: some heal by themselves while a cluster starts. */
  patience?: number
  why: (at: Place) => string
  fix: (at: Place) => Hint[]
}

/** The node that is waited for, and the server that it joins. */
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

/** The known causes, from the sources and issues of RKE2 and K3s: for each line the first that matches. */
export const known: Known[] = [
  {
    id: 'ca-mismatch',
    match: /token CA hash does not match the Cluster CA certificate hash/,
    why: (at) =>
      `its token is of another cluster: the hash in it is not that of ${name(at)}'s CA (was ${name(at)} made again?)`,
    fix: tokenAgain,
  },
  {
    id: 'node-password',
    match: /Node password rejected/,
    why: () =>
      'the cluster knows its name with another password: it was made again, or two machines have it',
    fix: (at) => [deleteNode(at), deletePassword(at), again(at)],
  },
  {
    id: 'duplicate-name',
    match: /duplicate node name found/,
    why: () => 'etcd has a member of this name already: an older server was not removed',
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
    why: () => 'its token is one for agents, but it is to be a server',
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
      'its configuration differs from the other servers in something that must be the same (agent-token, cluster-cidr, service-cidr, cluster-dns, cluster-domain, ...)',
    fix: (at) => [
      '# make rke2.config in the lab file and rke2/server.yaml what they were when the first server was installed',
      again(at),
    ],
  },
  {
    id: 'clock-skew',
    match: /x509: certificate has expired or is not yet valid/,
    why: (at) => `its clock and that of ${name(at)} do not agree`,
    fix: (at) => [
      onNode(at, 'timedatectl'),
      onNode(at, 'sudo systemctl restart systemd-timesyncd'),
      again(at),
    ],
  },
  {
    id: 'certificate-name',
    match: /x509: certificate is valid for .*, not /,
    why: (at) => `the certificate of ${name(at)} lacks the name or address that it is reached by`,
    fix: (at) => [
      '# in the lab file add that name or address: rke2: { config: { tls-san: [...] } }, then:',
      script('install-rke2'),
      again(at),
    ],
  },
  {
    id: 'cis',
    match: /invalid kernel parameter value|missing required (user|group)/,
    why: () => 'profile: cis wants kernel parameters and a user and group etcd that are not there',
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
    why: () => 'AppArmor is on, but apparmor_parser is not installed: no container starts',
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
      '# give it a larger disk in the lab file, then make it again:',
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
      '# without internet on the nodes: rke2.images: true in the lab file, then make it again:',
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
    why: (at) => `it was sent to the Kubernetes API instead of ${urlOf(at)}`,
    fix: (at) => [onNode(at, 'sudo grep -rs ^server: /etc/rancher/rke2'), again(at)],
  },
  {
    id: 'unreachable',
    match: /failed to get CA certs/,
    patience: 20,
    why: (at) => `it cannot reach ${urlOf(at)}: the server is down, or a firewall is between them`,
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
