// EDGE. Looks at the host for doctor and create. Each look gives findings; nothing is changed.
import { constants } from 'node:fs'
import { access, readFile, statfs } from 'node:fs/promises'
import { LabError } from './errors.ts'
import {
  diskFinding,
  failure,
  macFindings,
  memoryFinding,
  networkFindings,
  ok,
  ownershipFindings,
  parseInterfaces,
  toolFindings,
  tools,
  warning,
  type Finding,
} from './findings.ts'
import { findImage, isCached } from './images.ts'
import { signers } from './image-sums.ts'
import type { Lab, Node } from './lab.ts'
import { observe, virsh, type Host } from './libvirt.ts'
import { knock } from './ready.ts'
import { query, queryWithin } from './shell.ts'

/** True when libvirt runs on this host, so that its devices and interfaces can be looked at. */
export const isLocal = (uri: string) => /^[a-z0-9]+(\+unix)?:\/\/\//.test(uri)

/** Every host tool that the phases call. */
export async function checkTools(lab: Lab): Promise<Finding[]> {
  const names = [...tools.map(([tool]) => tool), 'mkisofs', 'xorriso', 'gpgv']
  const { stdout } = await query`command -v ${names} || true`
  const host = lab.image.url && !lab.image.sha256 ? new URL(lab.image.url).hostname : undefined
  return toolFindings(
    stdout.split('\n'),
    signers.some((signer) => signer.host === host),
  )
}

/** libvirt, reachable and permitted. */
export async function checkLibvirt(lab: Lab): Promise<{ host?: Host; finding: Finding }> {
  try {
    const host = await observe(lab)
    return { host, finding: ok('libvirt', `${lab.libvirt} answers`) }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { finding: failure('libvirt', error.message, ...error.hint) }
  }
}

/** Whether KVM truly works: QEMU is started with it for a moment. */
export async function probeKvm(lab: Lab): Promise<{ works: boolean; why: string }> {
  if (isLocal(lab.libvirt)) {
    const mayUse = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
      () => true,
      (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : false),
    )
    if (mayUse === undefined)
      return {
        works: false,
        why: 'there is no /dev/kvm: virtualisation is off in the firmware, or this is a VM without nested virtualisation',
      }
    if (mayUse) return startWithKvm()
  }
  const { code, stderr } =
    await query`${virsh(lab)} domcapabilities --virttype kvm --arch x86_64 --machine q35`
  return { works: code === 0, why: code === 0 ? 'libvirt says so' : stderr }
}

async function startWithKvm(): Promise<{ works: boolean; why: string }> {
  const options = [
    '-machine',
    'q35',
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-nodefaults',
    '-display',
    'none',
  ]
  const { code, stderr } = await queryWithin(
    15,
  )`echo quit | timeout 10 qemu-system-x86_64 ${options} -S -monitor stdio`
  if (code === 0) return { works: true, why: 'QEMU starts with it' }
  if (code === 127)
    return {
      works: false,
      why: 'qemu-system-x86_64 is not installed (sudo apt-get install qemu-system-x86)',
    }
  return { works: false, why: `QEMU cannot use it: ${stderr.split('\n')[0] ?? `exit ${code}`}` }
}

/** KVM against what the lab file asks for. */
export async function checkKvm(lab: Lab): Promise<{ type: 'kvm' | 'qemu'; finding: Finding }> {
  if (lab.domainType === 'qemu')
    return { type: 'qemu', finding: ok('KVM', 'not used: domainType is qemu, software emulation') }
  const { works, why } = await probeKvm(lab)
  if (works) return { type: 'kvm', finding: ok('KVM', why) }
  const found = `KVM does not work here: ${why}`
  const fix = [
    '# switch on virtualisation (VT-x, AMD-V) in the firmware; in a VM: nested virtualisation',
    'sudo modprobe kvm_intel || sudo modprobe kvm_amd',
  ]
  if (lab.domainType === 'kvm') return { type: 'kvm', finding: failure('KVM', found, ...fix) }
  return {
    type: 'qemu',
    finding: warning(
      'KVM',
      `${found}. QEMU will emulate the processor: ten times slower and more`,
      ...fix,
    ),
  }
}

/** Bridge or NAT network, and other interfaces with the same addresses. */
export async function checkNetworks(lab: Lab, host: Host | undefined): Promise<Finding[]> {
  if (!isLocal(lab.libvirt)) return [ok('network', 'not looked at: libvirt is on another host')]
  const { stdout, code } = await query`ip -json -details address`
  if (code !== 0)
    return [
      warning(
        'network',
        'not looked at: the program ip is missing',
        'sudo apt-get install --yes iproute2',
      ),
    ]
  return networkFindings(lab, host, parseInterfaces(stdout))
}

/** Nodes that have no machine yet, but whose address somebody answers on. */
export async function checkAddresses(
  lab: Lab,
  nodes: Node[],
  host: Host | undefined,
): Promise<Finding[]> {
  if (!host || !isLocal(lab.libvirt)) return [] // without libvirt the lab's own machines look like strangers
  const fresh = nodes.filter(({ name }) => !host.domains.some((domain) => domain.name === name))
  const answers = await Promise.all(
    fresh.map(async (node) => ({ node, who: await answering(node) })),
  )
  const findings = answers.flatMap(({ node, who }) =>
    who
      ? [
          failure(
            'addresses',
            `${node.name}: something else answers on ${node.address} (${who})`,
            '# give the node a free address in the lab file',
          ),
        ]
      : [],
  )
  return findings.length > 0
    ? findings
    : [ok('addresses', fresh.length > 0 ? 'free' : 'in use by this lab')]
}

// A TCP attempt makes the kernel ask for the MAC, so that even a host that drops it is seen. The node's own MAC
// is remembered from a machine that was there a moment ago.
async function answering({ address, mac }: Node): Promise<string | undefined> {
  const answer = await knock(address, 22, 250)
  if (answer !== 'silent') return answer === 'open' ? 'SSH is open' : 'it refuses SSH'
  const { stdout } = await query`ip -json neighbour show to ${address}`
  try {
    const [entry] = JSON.parse(stdout) as { lladdr?: string; state?: string[] }[]
    const isSeen = entry?.lladdr && entry.lladdr !== mac && entry.state?.includes('REACHABLE')
    return isSeen ? `MAC ${entry.lladdr}` : undefined
  } catch {
    return undefined
  }
}

/** Memory and disk space of this host. */
export async function checkRoom(
  lab: Lab,
  nodes: Node[],
  host: Host | undefined,
): Promise<Finding[]> {
  if (!host || !isLocal(lab.libvirt)) return []
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const kibibytes = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0)
  const findings = kibibytes > 0 ? [memoryFinding(nodes, host, kibibytes * 1024)] : []
  const free = host.pool?.available || (await freeSpace('/var/lib/libvirt/images'))
  return free === undefined ? findings : [...findings, diskFinding(lab, host, free)]
}

const freeSpace = (folder: string) =>
  statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  )

/** Docker and the like may drop what crosses the bridge. */
export async function checkFirewall(lab: Lab): Promise<Finding[]> {
  if (!isLocal(lab.libvirt)) return []
  if (lab.network.nat !== undefined) {
    const forward = await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8').catch(() => '')
    return [
      ok(
        'forwarding',
        forward.trim() === '1'
          ? 'ip_forward is on'
          : 'libvirt switches ip_forward on with the network',
      ),
    ]
  }
  const filters = await readFile('/proc/sys/net/bridge/bridge-nf-call-iptables', 'utf8').catch(
    () => '0',
  )
  if (filters.trim() !== '1') return [ok('firewall', 'does not look at what crosses the bridge')]
  const { stdout, code } = await query`iptables -S FORWARD`
  if (code === 0 && !stdout.includes('-P FORWARD DROP'))
    return [ok('firewall', 'lets through what crosses the bridge')]
  return [
    warning(
      'firewall',
      'iptables looks at what crosses the bridge (Docker does that) and may drop it',
      'sudo sysctl -w net.bridge.bridge-nf-call-iptables=0',
    ),
  ]
}

/** The image: at hand, or its publisher reachable. */
export async function checkImage(lab: Lab): Promise<Finding[]> {
  try {
    const image = await findImage(lab)
    return [ok('image', isCached(image) ? `${image.file} is at hand` : `${image.url} can be had`)]
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const advice = error.hint.map((text) => (text.startsWith('#') ? text : `# ${text}`)) // for people, not for --fix
    return [failure('image', [error.message, ...error.details].join('; '), ...advice)]
  }
}

/** Names, pool, network and MACs that somebody else has. */
export const checkOwnership = (lab: Lab, nodes: Node[], host: Host | undefined): Finding[] =>
  host ? [...ownershipFindings(lab, nodes, host), ...macFindings(lab, nodes, host)] : []

/** Node and npm. */
export async function checkNode(): Promise<Finding[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const { stdout } = await query`npm --version`
  const found = `Node ${process.versions.node}, npm ${stdout.trim() || 'not found'}`
  return major > 20 || (major === 20 && minor >= 19)
    ? [ok('Node', found)]
    : [
        failure(
          'Node',
          `${found}; 20.19 or newer is needed`,
          'sudo apt-get install --yes nodejs npm',
        ),
      ]
}
