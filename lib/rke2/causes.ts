// PURE. Known causes why RKE2 does not start: the line in its journal, and the fix. RKE2 itself would retry forever.
import { script } from '../text/errors.ts'
import { kubectl } from './kube-nodes.ts'
import {
  again,
  askServer,
  clockAgain,
  deleteNode,
  deletePassword,
  name,
  onNode,
  onServer,
  recreate,
  tokenAgain,
  urlOf,
  type Known,
} from './cause.ts'
import { ofTheNode } from './node-causes.ts'

const keysAside = '/root/rke2-keys'
const hasJoined = /Reconciling bootstrap data between datastore and disk/

/** What is wrong between a node and its cluster, from the sources, issues and recordings of RKE2 and K3s. */
const ofTheCluster: Known[] = [
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
    patience: 10,
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
      /(failed to retrieve configuration from server|(failed to validate|Skipping cluster) (server )?configuration|server-bootstrap).*(401 Unauthorized|not authorized)/,
    patience: 10, // a server that starts refuses every token for a moment
    why: (at) =>
      `${name(at)} does not accept its token: the secret in it is another one, or an agent-token was given to a server`,
    fix: tokenAgain,
  },
  {
    id: 'agent-token',
    match: /(server-bootstrap|failed to validate server configuration).*403 Forbidden/,
    why: () =>
      'its token was made by rke2 token create: such a token is for agents, but this node is a server',
    fix: tokenAgain,
  },
  {
    id: 'malformed-token',
    match: /invalid token (CA hash length|format)|failed to normalize server token/,
    why: () => 'its token is damaged',
    fix: tokenAgain,
  },
  {
    id: 'config-mismatch',
    match: /critical configuration (mismatched|value mismatch)/,
    why: () =>
      'its configuration differs from that of the other servers in a key that must be the same (cluster-cidr, service-cidr, cluster-dns, cluster-domain, egress-selector-mode, ...)',
    fix: (at) => [
      '# change rke2.config in the lab file and rke2/server.yaml back to what the first server was installed with, then:',
      again(at),
    ],
  },
  {
    id: 'certificates-expired',
    match: /x509: certificate has expired or is not yet valid.* is after /,
    why: () => 'certificates of the cluster have expired (they last a year), or its clock is ahead',
    fix: (at) => [
      onNode(at, 'timedatectl   # if the clock is right:'),
      onServer(at, 'sudo systemctl stop rke2-server'),
      onServer(at, 'sudo /usr/local/bin/rke2 certificate rotate'),
      onServer(at, 'sudo systemctl start rke2-server'),
      again(at),
    ],
  },
  {
    id: 'clock-skew',
    match: /x509: certificate has expired or is not yet valid(?!.* is after )/,
    why: (at) => `its clock differs from that of ${name(at)}`,
    fix: (at) => [onNode(at, 'timedatectl'), ...clockAgain(at), again(at)],
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
    id: 'foreign-ca',
    match: /CA cert validation failed.*signed by unknown authority/,
    patience: 20,
    why: (at) => `another machine answers at ${urlOf(at)}, or ${name(at)} was recreated`,
    fix: (at) => [askServer(at, 'cacerts'), again(at)],
  },
  {
    id: 'other-cluster-data',
    match: /bootstrap data already found and encrypted with different token/,
    why: () => 'its disk holds data of another cluster, or the token has changed',
    fix: recreate,
  },
  {
    id: 'newer-on-disk',
    match: /newer than datastore and could cause a cluster outage/,
    why: () =>
      'its keys are newer than those in etcd: etcd went back to an earlier state, or its disk holds keys of another cluster',
    fix: (at) => [
      "# from RKE2's source, not tested: without its own keys it uses those in etcd",
      onNode(at, 'sudo systemctl stop rke2-server'),
      onNode(at, `sudo mkdir ${keysAside}`),
      onNode(
        at,
        `sudo mv /var/lib/rancher/rke2/server/tls /var/lib/rancher/rke2/server/cred ${keysAside}`,
      ),
      again(at),
    ],
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
    fix: (at) => [onServer(at, 'systemctl status rke2-server'), askServer(at, 'ping'), again(at)],
  },
  {
    id: 'server-away',
    match: /failed to bootstrap cluster data: Get .*(dial|context deadline|EOF|i\/o timeout)/,
    until: hasJoined,
    patience: 60, // it continues by itself when the server is back; in a recording after 57 s
    why: (at) =>
      `it cannot reach ${urlOf(at)}, the server that it joined: it is off, or a firewall blocks it`,
    fix: (at) => [onServer(at, 'systemctl status rke2-server'), askServer(at, 'ping'), again(at)],
  },
  {
    id: 'server-starting',
    match: /failed to bootstrap cluster data: starting/,
    until: hasJoined,
    patience: 120, // in a recording it says so for some seconds, and imports its images later
    why: (at) => `${name(at)} answers, but does not finish starting`,
    fix: (at) => [onServer(at, 'systemctl status rke2-server'), again(at)],
  },
  {
    id: 'removed-member',
    match:
      /this server is a not a member of the etcd cluster|the member has been permanently removed/,
    why: () =>
      'etcd does not know it: it was removed from the cluster, or its address has changed; with its old data it cannot come back',
    fix: (at) => [
      '# if its address in the lab file was changed, change it back; else:',
      ...recreate(at),
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
    id: 'no-token',
    match: /Waiting for .*token to be available|[Tt]imeout while trying to read the file/,
    patience: 30,
    why: () => 'its token file is missing',
    fix: (at) => [again(at)],
  },
  {
    id: 'missing-keys',
    match: /--(token|server) is required|token is required to join a cluster/,
    why: () => 'its configuration lacks server or token',
    fix: (at) => [again(at)],
  },
]

/** The first one that matches a line wins. */
export const known: Known[] = [...ofTheCluster, ...ofTheNode]
