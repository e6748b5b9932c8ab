// EDGE. The way to the machines: bridge or NAT network, free addresses, a firewall in between.
import { readFile } from 'node:fs/promises'
import { isLocal } from './check-libvirt.ts'
import { failure, ok, warning, type Finding } from './findings.ts'
import type { Lab, Node } from './lab.ts'
import { isMade, type Host } from './libvirt.ts'
import { networkFindings, parseInterfaces } from './network-findings.ts'
import { knock } from './ready.ts'
import { query } from './shell.ts'

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
  const fresh = nodes.filter((node) => !isMade(host, lab, node))
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
