// EDGE. Looks at this host and at the nodes' addresses, and runs the checks that stop create.
import * as ui from '../cli/ui.ts'
import { knock } from '../guest/ssh.ts'
import { hostsOf, nodesOn } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { onHost, thisHost } from '../libvirt/host-names.ts'
import type { Site } from '../libvirt/hosts.ts'
import { virsh, type Host } from '../libvirt/observe.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import { ask, query } from '../shell/bash.ts'
import { eachOf } from '../shell/carry-out.ts'
import { TimedOut, until } from '../shell/wait.ts'
import { findForCreate, hostError, questionsOfCreate } from './checks.ts'
import type { Facts, HostFacts, Knock, Question } from './facts.ts'
import { domainTypeFor, saidOfKvm, triedKvm } from './kvm.ts'
import { lookScript, lookThere, parseLook, whyMissed } from './look.ts'
import { checkAddresses, checkNames, isAsking } from './ownership.ts'

/** Looks around at each host of the lab. */
export const lookAroundAll = (lab: Lab, nodes: Node[]): Map<Lab['on'], Around> =>
  new Map(hostsOf(lab).map((at) => [at.on, lookAround(at, nodesOn(at, nodes))]))

/** Runs the checks that stop create on these hosts; the type for the domains of each. */
export async function checkHosts(
  sites: Site[],
  nodes: Node[],
  arounds: Map<Lab['on'], Around>,
): Promise<Map<Lab['on'], 'kvm' | 'qemu'>> {
  const first = thisHost(sites.map(({ lab }) => lab))
  const types = await eachOf(
    sites.map((site) => ({ ...site, name: '', isFirst: site.lab === first })), // each error has the name of its host
    async ({ lab, host, isFirst }) => {
      const around = arounds.get(lab.on)!
      const facts = { lab, nodes: nodesOn(lab, nodes), host, ...(await settle(lab, around)) }
      return [lab.on, checkHost(facts, isFirst)] as const
    },
  )
  return new Map(types)
}

/** Throws where a name or a MAC of these nodes is used on one of these hosts, which are not theirs. */
export function checkNamesOn(sites: Site[], nodes: Node[]): void {
  const found = sites.flatMap(({ lab, host }) =>
    checkNames(lab, host, nodes).map((one) => ({ ...one, found: onHost(lab, one.found) })),
  )
  const error = hostError(found)
  if (error) throw error
}

/** Runs the checks that stop create: shows warnings, throws one LabError for all failures. Returns the type for domains. */
function checkHost(facts: Facts, isFirst: boolean): 'kvm' | 'qemu' {
  const { lab, kvm } = facts
  const findings = findForCreate(facts, isFirst)
  const warnings = findings.flatMap(({ level, found }) => (level === 'warning' ? found : []))
  for (const text of new Set(warnings)) ui.warn(text)
  const error = hostError(findings)
  if (error) throw error
  const fine = findings.filter(({ level }) => level === 'ok').map(({ check }) => check)
  ui.detail(onHost(lab, `${fine.join(', ')}: fine`))
  return domainTypeFor(lab, kvm)
}

/** What is found out while libvirt is asked. */
export interface Around {
  here: Promise<HostFacts>
  knocks: Promise<Knock[]>
}

/** Asks this host, and tries to connect to each node if it is on the LAN of libvirt; that also makes the kernel look up its MAC.
 *  create waits for answers only a moment, as it looks again. */
export function lookAround(
  lab: Lab,
  nodes: Node[],
  questions = questionsOfCreate,
  milliseconds = 100,
): Around {
  const isOnLan = libvirtHost(lab.libvirt).isHere || lab.on !== undefined
  const tryNode = async (node: Node): Promise<Knock> => ({
    node,
    answer: isOnLan ? await knock(node.address, 22, milliseconds) : 'silent',
  })
  const { vip } = lab.rke2
  const shared = isOnLan && vip ? knock(vip, 22, milliseconds) : undefined // for the look at its MAC
  const knocks = Promise.all([Promise.all(nodes.map(tryNode)), shared])
  return { here: lookHere(lab, questions), knocks: knocks.then(([ofNodes]) => ofNodes) }
}

/** Asks this host, and over SSH that of libvirt. */
export async function lookHere(lab: Lab, questions: Question[]): Promise<HostFacts> {
  const there = lookThere(lab, questions)
  const [here, away] = await Promise.all([
    ask(lookScript(lab, questions), { seconds: 30 }),
    there === undefined ? undefined : ask(there, { seconds: 30 }),
  ])
  if (!away) return parseLook(lab, here.stdout)
  return parseLook(lab, here.stdout + away.stdout, whyMissed(lab, away))
}

/** Everything, with the neighbours that the kernel found, and with KVM. */
export async function settle(lab: Lab, around: Around) {
  const [here, kvm, knocks, neighbours] = await Promise.all([
    around.here,
    around.here.then((here) => findKvm(lab, here)),
    around.knocks,
    around.knocks.then((knocks) => findNeighbours(lab, knocks)),
  ])
  const all: HostFacts = (question) => (question === 'neighbours' ? neighbours : here)(question)
  return { here: all, knocks, ...kvm }
}

/** Throws when a MAC has been found for an address since it was tried: a device that sleeps answers late. */
export async function checkAddressesAgain(lab: Lab, host: Host, around: Around): Promise<void> {
  const [looked, knocks] = await Promise.all([around.here, around.knocks])
  const neighbours = await findNeighbours(lab, knocks)
  const here: HostFacts = (question) => (question === 'neighbours' ? neighbours : looked)(question)
  const error = hostError([...checkAddresses({ lab, host, knocks, here })])
  if (error) throw error
}

// The kernel probes a neighbour that it knew before only after 5 s, three times (delay_first_probe_time, arp(7)).
async function findNeighbours(lab: Lab, knocks: Knock[]): Promise<HostFacts> {
  let here: HostFacts
  const look = async () => {
    here = await lookHere(lab, ['neighbours'])
    return isAsking(knocks, here) ? { state: 'probing' } : { done: here }
  }
  return until(look, { seconds: 9, every: 0.5 }).catch((error: unknown) => {
    if (error instanceof TimedOut) return here
    throw error
  })
}

async function findKvm(lab: Lab, here: HostFacts): Promise<Pick<Facts, 'kvm' | 'emulator'>> {
  const capabilities = (type: 'kvm' | 'qemu') =>
    query`${virsh(lab)} domcapabilities --virttype ${type} --arch x86_64 --machine q35`
  const kvm = triedKvm(lab, here) ?? saidOfKvm(await capabilities('kvm'))
  return { kvm, emulator: kvm.works ? undefined : await capabilities('qemu') }
}
