// EDGE. The way to the machines: bridge or NAT network, free addresses, a firewall in between.
import { readFile } from 'node:fs/promises'
import { isLocal } from './libvirt.ts'
import { ok, warning, type Finding } from './findings.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import {
  networkFindings,
  parseInterfaces,
  parseNeighbours,
  type Neighbour,
} from './network-findings.ts'
import { knock } from '../guest/ready.ts'
import { query } from '../shell/shell.ts'
import { TimedOut, until } from '../shell/wait.ts'

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
  const silent = nodes.filter((_, index) => answers[index] === 'silent')
  const strangers = silent.length > 0 ? await strangersAt(silent) : new Map<string, string>()
  const who = nodes.map(({ name }, index): [string, string] => {
    if (answers[index] === 'open') return [name, 'SSH is open']
    if (answers[index] === 'refused') return [name, 'it refuses SSH']
    const mac = strangers.get(name)
    return [name, mac ? `MAC ${mac}` : '']
  })
  return new Map(who.filter(([, answer]) => answer))
}

// The TCP attempt made the kernel ask for the MACs, so that hosts that drop it are seen as well. One that it knew from
// before it asks again only after 5 s, three times (delay_first_probe_time, arp(7)). A node's own MAC is of a machine
// that was there a moment ago.
async function strangersAt(nodes: Node[]): Promise<Map<string, string>> {
  let strangers: (Neighbour & { name: string })[] = []
  const look = async () => {
    const seen = parseNeighbours((await query`ip -json neighbour show`).stdout)
    strangers = nodes.flatMap(({ name, address, mac }) => {
      const found = seen.get(address)
      return found && found.mac !== mac ? [{ name, ...found }] : []
    })
    return strangers.every(({ isSure }) => isSure) ? { done: true } : { state: 'asked again' }
  }
  await until(look, { seconds: 9, every: 0.5 }).catch((error: unknown) => {
    if (!(error instanceof TimedOut)) throw error
  })
  return new Map(strangers.filter(({ isSure }) => isSure).map(({ name, mac }) => [name, mac]))
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
