// PURE. What a look at the host found, and the judgements that need no look of their own.
import type { Lab, Node } from './lab.ts'
import { cidrsOverlap } from './lab-rules.ts'
import type { Host } from './libvirt.ts'
import { formatSize } from './size.ts'

export interface Finding {
  /** What was looked at. */
  check: string
  level: 'ok' | 'warning' | 'failure'
  found: string
  /** Commands that mend it, for this host. */
  fix?: string[]
}

export const ok = (check: string, found: string): Finding => ({ check, level: 'ok', found })
export const failure = (check: string, found: string, ...fix: string[]): Finding => ({
  check,
  level: 'failure',
  found,
  ...(fix.length > 0 ? { fix } : {}),
})
export const warning = (check: string, found: string, ...fix: string[]): Finding => ({
  ...failure(check, found, ...fix),
  level: 'warning',
})

/** A host tool and the Debian/Ubuntu package that has it. */
export const tools: [tool: string, aptPackage: string][] = [
  ['virsh', 'libvirt-clients'],
  ['ssh', 'openssh-client'],
  ['ssh-keygen', 'openssh-client'],
  ['curl', 'curl'],
  ['flock', 'util-linux'],
  ['sha256sum', 'coreutils'],
  ['genisoimage', 'genisoimage'],
]

/** Judges the paths that `command -v` found. */
export function toolFindings(paths: string[], needsGpgv: boolean): Finding[] {
  const names = new Set(paths.map((path) => path.split('/').at(-1)))
  const iso = ['genisoimage', 'mkisofs', 'xorriso'].some((tool) => names.has(tool))
  const missing = [...tools, ...(needsGpgv ? [['gpgv', 'gpgv'] as const] : [])].filter(([tool]) =>
    tool === 'genisoimage' ? !iso : !names.has(tool),
  )
  if (missing.length === 0) return [ok('host tools', 'all there')]
  const packages = [...new Set(missing.map(([, name]) => name))]
  return [
    failure(
      'host tools',
      `missing: ${missing.map(([tool]) => tool).join(', ')}`,
      `sudo apt-get install --yes ${packages.join(' ')}`,
    ),
  ]
}

export interface Interface {
  name: string
  /** Networks in CIDR form. */
  networks: string[]
  isBridge: boolean
}

/** Reads `ip -json -details address`. */
export function parseInterfaces(json: string): Interface[] {
  interface Link {
    ifname?: string
    linkinfo?: { info_kind?: string }
    addr_info?: { family?: string; local?: string; prefixlen?: number }[]
  }
  let links: Link[]
  try {
    links = JSON.parse(json) as Link[]
  } catch {
    return []
  }
  return links.map((link) => ({
    name: link.ifname ?? '',
    isBridge: link.linkinfo?.info_kind === 'bridge',
    networks: (link.addr_info ?? [])
      .filter(({ family }) => family === 'inet')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  }))
}

/** Judges bridge or NAT network against the host's interfaces. */
export function networkFindings(
  lab: Lab,
  host: Host | undefined,
  interfaces: Interface[],
): Finding[] {
  const { bridge, nat, cidr } = lab.network
  const own = nat === undefined ? bridge : host?.network?.bridge
  const overlaps = interfaces
    .filter(({ name }) => name !== own && name !== 'lo')
    .flatMap(({ name, networks }) =>
      networks.filter((other) => cidrsOverlap(cidr, other)).map(() => name),
    )
  const overlap = overlaps.map((name) =>
    failure(
      'network',
      `network.cidr ${cidr} is also on the interface ${name}`,
      `# give the lab another network.cidr, or the right bridge: ip -brief address`,
    ),
  )
  if (nat !== undefined)
    return overlap.length > 0 ? overlap : [ok('network', `NAT network ${nat} with ${cidr}`)]
  const found = interfaces.find(({ name }) => name === bridge)
  if (!found)
    return [
      failure(
        'bridge',
        `there is no interface ${bridge}; bridges of this host: ${
          interfaces
            .filter(({ isBridge }) => isBridge)
            .map(({ name }) => name)
            .join(' ') || 'none'
        }`,
        "# use a network of libvirt's own instead: --lab labs/nat.yaml",
        '# or make a bridge: tutorials/03-host.md',
      ),
    ]
  if (!found.isBridge)
    return [
      failure(
        'bridge',
        `${bridge} is no bridge`,
        '# name a bridge in network.bridge, or use --lab labs/nat.yaml',
      ),
    ]
  const reaches = found.networks.some((other) => cidrsOverlap(cidr, other))
  return [
    ...overlap,
    reaches
      ? ok('network', `bridge ${bridge} with ${found.networks.join(' ')}`)
      : warning(
          'network',
          `${bridge} has no address in ${cidr}: this host may not reach the nodes`,
        ),
  ]
}

/** Judges free memory (bytes) against what the machines that do not run yet will take. */
export function memoryFinding(nodes: Node[], host: Host, available: number): Finding {
  const running = new Set(
    host.domains.filter(({ state }) => state === 'running').map(({ name }) => name),
  )
  const wanted = nodes
    .filter(({ name }) => !running.has(name))
    .reduce((sum, { memory }) => sum + memory, 0)
  const text = `${formatSize(available)} free, ${formatSize(wanted)} wanted`
  return wanted <= available
    ? ok('memory', text)
    : warning(
        'memory',
        text,
        '# give the nodes less memory in the lab file, or stop other programs',
      )
}

const perNode = 6 * 2 ** 30 // what a node with RKE2 and its images takes at least, roughly

/** Judges free disk space (bytes) against what new nodes will need. */
export function diskFinding(lab: Lab, host: Host, available: number): Finding {
  const fresh = lab.nodes.filter(({ volume }) => !host.volumeNames.includes(volume))
  const wanted = fresh.length * perNode
  const text = `${formatSize(available)} free in ${lab.pool.path}, about ${formatSize(wanted)} wanted for ${fresh.length} new disks`
  if (wanted <= available) return ok('disk space', text)
  return warning(
    'disk space',
    text,
    `# free some space: df -h ${lab.pool.path.replace(/\/[^/]*$/, '')}`,
  )
}

/** Domains of this lab's names that somebody else made, and a pool or network of that kind. */
export function ownershipFindings(lab: Lab, nodes: Node[], host: Host): Finding[] {
  const foreign = nodes.flatMap((node) =>
    host.domains.filter(({ name, owner }) => name === node.name && owner?.lab !== lab.name),
  )
  const poolIsOurs =
    !host.pool || (host.pool.uuid === lab.pool.uuid && host.pool.path === lab.pool.path)
  const networkIsOurs = !host.network || host.network.uuid === lab.networkUuid
  const findings = [
    ...foreign.map(({ name, owner }) =>
      failure(
        'names',
        `${name}: a domain of that name exists already and belongs to ${owner ? `lab ${owner.lab}` : 'something else'}`,
        `# it is left alone; rename the node in the lab file, or look: virsh -c ${lab.libvirt} dominfo ${name}`,
      ),
    ),
    ...(poolIsOurs
      ? []
      : [
          failure(
            'names',
            `a storage pool ${lab.pool.name} exists that these scripts did not make`,
          ),
        ]),
    ...(networkIsOurs
      ? []
      : [
          failure(
            'names',
            `a libvirt network ${lab.network.nat} exists that this lab did not make`,
            '# give network.nat another name in the lab file',
          ),
        ]),
  ]
  return findings.length > 0 ? findings : [ok('names', 'free, or made by this lab')]
}

/** Which MACs of this lab's nodes a foreign domain has; libvirt itself would not object. */
export function macFindings(lab: Lab, nodes: Node[], host: Host): Finding[] {
  return nodes.flatMap((node) =>
    host.domains
      .filter(({ name, macs }) => name !== node.name && macs.includes(node.mac))
      .map(({ name }) =>
        failure(
          'names',
          `${node.name}: its MAC ${node.mac} is also that of ${name}; rename the node`,
        ),
      ),
  )
}
