// PURE. OpenSSH client files of a lab, and the meaning of ssh's messages.
import type { Lab, Node } from '../lab/lab.ts'
import { commandText } from '../text/quote.ts'

/** ssh to the node, as the start of a command. */
export const ssh = (node: Node, ...options: string[]) => [
  'ssh',
  ...options,
  '-F',
  node.sshConfig,
  node.name,
]

/** A command on the node as a user types it on this host. */
export const typedOn = (node: Node, command: string, ...options: string[]) =>
  `${commandText`${ssh(node, ...options)}`} ${command}`

/** Where the lab's SSH files are, relative to the current folder. */
export const sshFiles = (lab: { dir: string }) => ({
  key: `${lab.dir}/id_ed25519`,
  config: `${lab.dir}/ssh_config`,
  knownHosts: `${lab.dir}/known_hosts`,
})

// ssh_config(5): tokens start with %, arguments with blanks are quoted.
const configPath = (path: string) => `"${path.replaceAll('%', '%%')}"`

/** ssh_config with which `ssh -F FILE NODE` works from anywhere; `folder` is the absolute current folder. `shares`: ssh
 *  keeps a connection for the commands of the next minute. */
export function sshConfig(lab: Lab, folder: string, shares: boolean): string {
  const { key, knownHosts } = sshFiles(lab)
  const sharing = (socket: string) =>
    shares && Buffer.byteLength(socket) <= longestSocket
      ? ['  ControlMaster auto', `  ControlPath ${configPath(socket)}`, '  ControlPersist 60']
      : []
  return [
    ...lab.nodes.flatMap(({ name, address, dir }) => [
      `Host ${name}`,
      `  HostName ${address}`,
      ...sharing(`${folder}/${dir}/ssh`),
    ]),
    'Host *',
    `  User ${lab.user}`,
    `  IdentityFile ${configPath(`${folder}/${key}`)}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${configPath(`${folder}/${knownHosts}`)}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  HostKeyAlgorithms ssh-ed25519',
    '  UpdateHostKeys no',
    '  BatchMode yes',
    '  ConnectTimeout 5',
    '  ServerAliveInterval 5',
    '  ServerAliveCountMax 6',
    '  LogLevel ERROR',
    '',
  ].join('\n')
}

/** The login that an ssh_config of a lab names. */
export const loginIn = (config: string): string | undefined => /^ {2}User (\S+)$/m.exec(config)?.[1]

// unix(7): 108 bytes with the terminating zero; ssh adds 17 while it creates the socket.
const longestSocket = 90

/** Whether ssh of this version (`ssh -V`) can keep a connection: before 8.5 the command that opened it waited until it was
 *  closed (bugzilla.mindrot.org 1988). */
export function keepsConnections(version: string): boolean {
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > 8 || (Number(major) === 8 && Number(minor) >= 5)
}

/** Why ssh could not connect to a node (its exit status 255). */
export interface SshTrouble {
  /** command: ssh connected, but what it ran there failed or did not end. */
  kind: 'host-key' | 'login' | 'refused' | 'silent' | 'command' | 'other'
  /** In words, as a state of the node. */
  state: string
}

const troubles: [SshTrouble['kind'], RegExp, string][] = [
  [
    'host-key',
    /host key verification failed|identification has changed/i,
    'something answers on SSH, but not with the host key that this node was given',
  ],
  ['login', /permission denied/i, 'SSH answers, but the login does not work yet'],
  ['refused', /connection refused/i, 'booted, SSH is not up yet'],
  ['silent', /no route to host|timed out|unreachable/i, 'no answer on its address yet'],
]

/** What ssh's stderr means. */
export function sshTrouble(stderr: string): SshTrouble {
  const [kind, , state] = troubles.find(([, pattern]) => pattern.test(stderr)) ?? []
  if (kind && state) return { kind, state }
  return { kind: 'other', state: stderr.split('\n').at(-1)?.trim() || 'no answer on SSH' }
}

/** Whether something answers on SSH, although not as expected. */
export const isAnswer = ({ kind }: SshTrouble): boolean =>
  ['host-key', 'login', 'command'].includes(kind)
