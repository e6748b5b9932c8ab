// PURE. OpenSSH client files of a lab.
import type { Lab } from './lab.ts'

/** Where the lab's SSH files are, relative to the current folder. */
export const sshFiles = (lab: { dir: string }) => ({
  key: `${lab.dir}/id_ed25519`,
  config: `${lab.dir}/ssh_config`,
  knownHosts: `${lab.dir}/known_hosts`,
})

// ssh_config(5): tokens start with %, arguments with blanks are quoted.
const configPath = (path: string) => `"${path.replaceAll('%', '%%')}"`

/** ssh_config with which `ssh -F FILE NODE` works from anywhere; `folder` is the absolute current folder. */
export function sshConfig(lab: Lab, folder: string): string {
  const { key, knownHosts } = sshFiles(lab)
  return [
    ...lab.nodes.flatMap(({ name, address }) => [`Host ${name}`, `  HostName ${address}`]),
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
    '  LogLevel ERROR',
    ...shared(lab, folder),
    '',
  ].join('\n')
}

// One connection to a node serves every command of the next minute. The socket lies in the node's folder, so that it goes
// with the node; a name that is too long for a socket (unix(7): 108 bytes, of which ssh wants 17 for itself) means none.
function shared(lab: Lab, folder: string): string[] {
  const sockets = lab.nodes.map(({ dir }) => `${folder}/${dir}/ssh`)
  if (sockets.some((path) => Buffer.byteLength(path) > 90)) return []
  const path = configPath(`${folder}/${lab.dir}/nodes/`).replace(/"$/, '%n/ssh"')
  return ['  ControlMaster auto', `  ControlPath ${path}`, '  ControlPersist 60']
}

/** What a failed ssh said, as a state for people. */
export function sshState(stderr: string): string {
  if (/host key verification failed|identification has changed/i.test(stderr))
    return 'something answers on SSH, but not with the host key that this node was given'
  if (/permission denied/i.test(stderr)) return 'SSH answers, but the login is not there yet'
  if (/connection refused/i.test(stderr)) return 'booted, SSH is not up yet'
  if (/no route to host|timed out|unreachable/i.test(stderr)) return 'no answer on its address yet'
  return stderr.split('\n').at(-1)?.trim() || 'no answer on SSH'
}
