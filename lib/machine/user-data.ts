// PURE. A node -> the files of its cloud-init seed. Keys are not in them: the lab's public key
// stands as a placeholder and the host key is appended, both by the shell (see seed.ts).
import { Document, parseDocument, visit } from 'yaml'
import { UsageError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { asList } from '../text/yaml.ts'

/** Replaced by the lab's public SSH key when the seed is made. */
export const publicKeyPlaceholder = '@LAB_PUBLIC_KEY@'

type CloudConfig = Record<string, unknown>

// PyYAML reads YAML 1.1, and stumbles over a bare = or <<; lineWidth 0 keeps keys on one line.
function toYaml(value: unknown): string {
  const document = new Document(value, { version: '1.1' })
  visit(document, {
    Scalar: (_, scalar) => {
      if (scalar.value === '=' || scalar.value === '<<') scalar.tag = '!!str'
    },
  })
  return document.toString({ lineWidth: 0 })
}

// One host name and one host key per node: the same value for all nodes could only be wrong.
const perNode = ['hostname', 'fqdn', 'ssh_keys']

/** Reads the cloud-config that people edit; throws a UsageError when it is none. */
export function parseUserConfig(text: string, file: string): CloudConfig {
  if (!/^#cloud-config\s*$/.test(text.split('\n')[0] ?? ''))
    throw new UsageError(`${file}: the first line must be #cloud-config`)
  const document = parseDocument(text, { version: '1.1' })
  if (document.errors.length > 0)
    throw new UsageError(`${file} is not valid YAML`, {
      details: document.errors.map(({ message }) => message),
    })
  const config: unknown = document.toJS() ?? {}
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new UsageError(`${file}: must be a mapping of cloud-config keys`)
  const taken = perNode.filter((key) => key in config)
  if (taken.length > 0)
    throw new UsageError(
      `${file}: ${taken.join(', ')} differs per node and is set by the scripts; remove it`,
    )
  return config as CloudConfig
}

/** The login user: ours, with what the person wrote about a user of that name on top. */
function loginUser(lab: Lab, config: CloudConfig): CloudConfig {
  const own = asList(config.users).find(
    (user) => (user as CloudConfig | null)?.name === lab.user,
  ) as CloudConfig | undefined
  return {
    name: lab.user,
    gecos: 'rke2-kvm-lab',
    shell: '/bin/bash',
    sudo: 'ALL=(ALL) NOPASSWD:ALL',
    lock_passwd: true,
    ...own,
    ssh_authorized_keys: [
      publicKeyPlaceholder,
      ...asList(own?.ssh_authorized_keys),
      ...asList(config.ssh_authorized_keys), // cloud-init would give these to a default user that the lab has not
    ],
  }
}

/** The node's user-data without keys: the scripts' part and all that the person wrote; lists are appended. */
export function userData(lab: Lab, node: Node, config: CloudConfig): string {
  const { users, ssh_authorized_keys: _, ...rest } = config
  const others = asList(users).filter((user) => (user as CloudConfig | null)?.name !== lab.user)
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
        routes: [{ to: '0.0.0.0/0', via: gateway }], // 'default' is not known to every cloud-init in use
        nameservers: { addresses: nameservers },
      },
    },
  })
}
