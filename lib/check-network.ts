// EDGE. The way to the machines: bridge or NAT network, free addresses, a firewall in between.
import { readFile } from 'node:fs/promises'
import { isLocal } from './check-libvirt.ts'
import { ok, warning, type Finding } from './findings.ts'
import type { Lab, Node } from './lab.ts'
import type { Host } from './libvirt.ts'
import { networkFindings, parseInterfaces, parseNeighbours } from './network-findings.ts'
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

/** What answers on the nodes' addresses, by node name; nothing is asked where libvirt is on another host. */
export async function whoAnswers(lab: Lab, nodes: Node[]): Promise<Map<string, string>> {
  if (!isLocal(lab.libvirt)) return new Map()
  const answers = await Promise.all(nodes.map(({ address }) => knock(address, 22, 250)))
  // The TCP attempt makes the kernel ask for the MAC, so that a host that drops it is seen as well, unless it was known a while ago.
  const seen = answers.includes('silent')
    ? parseNeighbours((await query`ip -json neighbour show`).stdout)
    : new Map<string, string>()
  const who = nodes.map(({ name, address, mac }, index): [string, string] => {
    if (answers[index] === 'open') return [name, 'SSH is open']
    if (answers[index] === 'refused') return [name, 'it refuses SSH']
    const found = seen.get(address)
    return [name, found && found !== mac ? `MAC ${found}` : ''] // its own: of a machine that was there a moment ago
  })
  return new Map(who.filter(([, answer]) => answer))
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
