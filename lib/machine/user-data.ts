// PURE. A node -> the files of its cloud-init seed, without keys: the shell inserts them (seed.ts).
import { UsageError } from '../text/errors.ts'
import { namedImage } from '../lab/images.ts'
import { deviceOf, formatEmpty } from '../lab/extras.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { asList, readMapping, refuse, toYaml } from '../text/yaml.ts'

/** Replaced by the lab's public SSH key when the seed is made. */
export const publicKeyPlaceholder = '@LAB_PUBLIC_KEY@'

/** Replaced by the proxies of this host, which may hold a password, when the seed is made. */
export const proxyPlaceholders = { http: '@HTTP_PROXY@', https: '@HTTPS_PROXY@' }

type CloudConfig = Record<string, unknown>

// These differ per node, so one value for all nodes is always wrong.
const perNode = ['hostname', 'fqdn', 'ssh_keys']

// What cloud-init gives to the image's default user, which the lab does not have.
const ofDefaultUser: Record<string, string> = {
  password:
    'write users: [{ name: <user of the lab file>, lock_passwd: false, passwd: <its hash> }]',
  user: 'the login user is called what the lab file says under user',
}

/** Reads the user's cloud-config; throws a UsageError when it is not valid. */
export function parseUserConfig(text: string, file: string): CloudConfig {
  if (!/^\ufeff?#cloud-config\s*$/.test(text.split('\n')[0] ?? ''))
    throw new UsageError(`${file}: the first line must be #cloud-config`)
  const entries = readMapping(text, file, 'cloud-config keys')
  const hasDefault = asList(entries.find(({ key }) => key === 'users')?.value).includes('default')
  const problems = entries.flatMap(({ key, value, line }) =>
    perNode.includes(key)
      ? [`line ${line}, ${key}: differs per node and is set by the scripts; remove it`]
      : key in ofDefaultUser && !hasDefault
        ? [`line ${line}, ${key}: is for the default user of the image; ${ofDefaultUser[key]}`]
        : key === 'users' && value instanceof Map
          ? [`line ${line}, users: must be a list; the scripts add the login user to it`]
          : [],
  )
  refuse(file, problems)
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
}

// cloud-init would give these to a default user, and the lab has none: they go to the login user. Older cloud-init knows
// them with "-" as well.
const keySpellings = ['ssh_authorized_keys', 'ssh-authorized-keys']
const loginKeys = [...keySpellings, 'ssh_import_id']

const isUser = (user: unknown, name: string): user is Map<string, unknown> =>
  user instanceof Map && user.get('name') === name

/** The login user: ours, overridden by the user's own entry of that name. */
function loginUser(lab: Lab, config: CloudConfig): CloudConfig {
  const theirs = asList(config.users).find((user) => isUser(user, lab.user))
  const all: CloudConfig = Object.fromEntries(theirs ?? [])
  const { 'ssh-authorized-keys': _, ...own } = all
  const imported = [own, config].flatMap(({ ssh_import_id: ids }) => asList(ids))
  return {
    name: lab.user,
    gecos: 'rke2-kvm-lab',
    shell: '/bin/bash',
    sudo: 'ALL=(ALL) NOPASSWD:ALL',
    lock_passwd: true,
    ...own,
    ssh_authorized_keys: [
      publicKeyPlaceholder,
      ...[all, config].flatMap((from) => keySpellings.flatMap((key) => asList(from[key]))),
    ],
    ...(imported.length > 0 ? { ssh_import_id: imported } : {}),
  }
}

/** Whether the login user may use sudo without a password, as the scripts do. */
export const hasFreeSudo = (lab: Lab, config: CloudConfig): boolean =>
  String(loginUser(lab, config).sudo).includes('NOPASSWD')

/** Tells apt and dnf the proxies before the first package is asked for; settings of the user come later and win. */
function packageProxies({ proxy = { none: [] } }: Lab): CloudConfig {
  const { http, https } = proxy === 'host' ? proxyPlaceholders : proxy
  const [apt, dnf, one] = ['/etc/apt/apt.conf.d', '/etc/dnf/dnf.conf', https ?? http]
  if (!one) return {}
  const lines = Object.entries({ http, https }).flatMap(([scheme, address]) =>
    address ? `echo 'Acquire::${scheme}::Proxy "${address}";'; ` : [],
  )
  return {
    bootcmd: [
      `test ! -d ${apt} || { ${lines.join('')}} >${apt}/10rke2-kvm-lab`,
      `test ! -e ${dnf} || grep -q ^proxy= ${dnf} || echo 'proxy=${one}' >>${dnf}`,
    ],
  }
}

/** Formats and mounts further disks at the first boot, unless they hold something: the volume may be older than the machine.
 *  systemd grows their file systems when it mounts them. */
function mounts({ disks }: Node): CloudConfig {
  const mounted = disks.flatMap(({ mount, ...disk }) => (mount ? [{ mount, ...disk }] : []))
  if (mounted.length === 0) return {}
  const options = 'defaults,nofail,x-systemd.growfs'
  return {
    fs_setup: mounted.map((disk) => ({
      device: deviceOf(disk),
      filesystem: 'ext4',
      partition: 'none', // with this, cloud-init looks at nothing itself
      cmd: `if ${formatEmpty(disk)}; then :; else echo '${deviceOf(disk)} is left as it is'; fi`,
    })),
    mounts: mounted.map((disk) => [deviceOf(disk), disk.mount, 'ext4', options, '0', '2']),
  }
}

/** The user's cloud-config with what the lab and the image need; lists are appended, other values of the user win. */
function withNeeds(lab: Lab, node: Node, config: CloudConfig): CloudConfig {
  const image = lab.image.name && namedImage(lab.image.name).config
  const merged: CloudConfig = { ...packageProxies(lab), ...image, ...mounts(node) }
  for (const [key, value] of Object.entries(config))
    merged[key] = Array.isArray(merged[key]) ? [...asList(merged[key]), ...asList(value)] : value
  return merged
}

/** The node's user-data without keys: ours merged with the user's; lists are appended. */
export function userData(lab: Lab, node: Node, config: CloudConfig): string {
  const { users, ...rest } = withNeeds(lab, node, config)
  for (const key of loginKeys) delete rest[key]
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

/** Static addresses on the NICs with the node's MACs, of which the first has the only route (network configuration version 2, netplan's form). */
export function networkConfig(lab: Lab, node: Node): string {
  const { cidr, gateway, nameservers } = lab.network
  const nic = {
    match: { macaddress: node.mac },
    dhcp4: false,
    addresses: [`${node.address}/${cidr.split('/')[1]}`],
    routes: [{ to: '0.0.0.0/0', via: gateway }], // 'default' is unknown to older versions of cloud-init
    nameservers: { addresses: nameservers },
  }
  const others = node.networks.map(({ name, mac, address }) => [
    name,
    {
      match: { macaddress: mac },
      'set-name': name,
      dhcp4: false,
      optional: true, // the boot does not wait for it
      ...(address !== undefined && { addresses: [address] }),
    },
  ])
  // Before cloud-init 22.2 and without netplan the key is the name of the NIC: that of the first one in a q35 machine.
  return toYaml({ version: 2, ethernets: { enp1s0: nic, ...Object.fromEntries(others) } })
}
