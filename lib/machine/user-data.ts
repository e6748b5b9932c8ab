// PURE. A node -> the files of its cloud-init seed, without keys: the shell replaces the placeholder for the lab's public
// key and appends the host key (seed.ts).
import { UsageError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { asList, readMapping, refuse, toYaml } from '../text/yaml.ts'

/** Replaced by the lab's public SSH key when the seed is made. */
export const publicKeyPlaceholder = '@LAB_PUBLIC_KEY@'

type CloudConfig = Record<string, unknown>

// These differ per node, so one value for all nodes is always wrong.
const perNode = ['hostname', 'fqdn', 'ssh_keys']

/** Reads the user's cloud-config; throws a UsageError when it is not valid. */
export function parseUserConfig(text: string, file: string): CloudConfig {
  if (!/^\ufeff?#cloud-config\s*$/.test(text.split('\n')[0] ?? ''))
    throw new UsageError(`${file}: the first line must be #cloud-config`)
  const entries = readMapping(text, file, 'cloud-config keys')
  const problems = entries.flatMap(({ key, value, line }) =>
    perNode.includes(key)
      ? [`line ${line}, ${key}: differs per node and is set by the scripts; remove it`]
      : key === 'users' && value instanceof Map
        ? [`line ${line}, users: must be a list; the scripts add the login user to it`]
        : [],
  )
  refuse(file, problems)
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
}

const isUser = (user: unknown, name: string): user is Map<string, unknown> =>
  user instanceof Map && user.get('name') === name

/** The login user: ours, overridden by the user's own entry of that name. */
function loginUser(lab: Lab, config: CloudConfig): CloudConfig {
  const theirs = asList(config.users).find((user) => isUser(user, lab.user))
  const own: CloudConfig = Object.fromEntries(theirs ?? [])
  return {
    name: lab.user,
    gecos: 'rke2-kvm-lab',
    shell: '/bin/bash',
    sudo: 'ALL=(ALL) NOPASSWD:ALL',
    lock_passwd: true,
    ...own,
    ssh_authorized_keys: [
      publicKeyPlaceholder,
      ...asList(own.ssh_authorized_keys),
      ...asList(config.ssh_authorized_keys), // cloud-init would give these to a default user, and the lab has none
    ],
  }
}

/** The node's user-data without keys: ours merged with the user's; lists are appended. */
export function userData(lab: Lab, node: Node, config: CloudConfig): string {
  const { users, ssh_authorized_keys: _, ...rest } = config
  const others = asList(users).filter((user) => !isUser(user, lab.user))
  return `#cloud-config\n${toYaml({
    hostname: node.name,
    manage_etc_hosts: 'localhost',
    ssh_pwauth: false,
    disable_root: true,
    ssh_deletekeys: true,
    ...rest,
    users: [loginUser(lab, config), ...others],
  })}`
}

/** Static address on the NIC with the node's MAC (network configuration version 2, netplan's form). */
export function networkConfig(lab: Lab, node: Node): string {
  const { cidr, gateway, nameservers } = lab.network
  return toYaml({
    version: 2,
    ethernets: {
      lan0: {
        match: { macaddress: node.mac },
        dhcp4: false,
        addresses: [`${node.address}/${cidr.split('/')[1]}`],
        routes: [{ to: '0.0.0.0/0', via: gateway }], // 'default' is unknown to older versions of cloud-init
        nameservers: { addresses: nameservers },
      },
    },
  })
}
