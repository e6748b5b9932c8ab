// EDGE. Collects the facts for the checks: from this host, the nodes' addresses, libvirt and the image.
import * as ui from '../cli/ui.ts'
import { whyNot } from '../download/fetch.ts'
import { findImage, isCached } from '../download/image.ts'
import { knock } from '../guest/ssh.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { observe, virsh, type Host } from '../libvirt/observe.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import { ask, query } from '../shell/bash.ts'
import type { Shell } from '../shell/carry-out.ts'
import { TimedOut, until } from '../shell/wait.ts'
import { LabError } from '../text/errors.ts'
import type { Finding } from '../text/findings.ts'
import { findAll, findForCreate, hostError, questionsOf } from './checks.ts'
import {
  lookedAt,
  type Facts,
  type HostFacts,
  type ImagePlace,
  type Knock,
  type Question,
} from './facts.ts'
import { domainTypeFor, saidOfKvm, triedKvm } from './kvm.ts'
import { lookScript, parseLook } from './look.ts'
import { checkNetwork, isAsking } from './network.ts'
import { isMade } from './ownership.ts'

/** All checks. */
export async function examine(lab: Lab, nodes: Node[], { remember }: Shell): Promise<Finding[]> {
  const first = lookAround(lab, nodes, questionsOf(true))
  const { host, trouble } = await askLibvirt(lab)
  const [around, image] = await Promise.all([
    first.then((looked) => settle(lab, looked)),
    findPlace(lab, nodes, host, remember),
  ])
  const facts = { lab, nodes, host, ...around }
  return findAll({ ...facts, trouble, image, node: process.versions.node })
}

/** Runs the checks that stop create: shows warnings, throws one LabError for all failures. Returns the type for domains. */
export async function checkHost(
  lab: Lab,
  nodes: Node[],
  host: Host,
  around: Promise<Around>,
): Promise<'kvm' | 'qemu'> {
  const facts = { lab, nodes, host, ...(await settle(lab, await around)) }
  const findings = findForCreate(facts)
  for (const { level, found } of findings) if (level === 'warning') ui.warn(found)
  const error = hostError(findings)
  if (error) throw error
  const fine = findings.filter(({ level }) => level === 'ok').map(({ check }) => check)
  ui.detail(`${fine.join(', ')}: fine`)
  return domainTypeFor(lab, facts.kvm)
}

/** The check of the lab's network, without libvirt. */
export async function checkNetworks(lab: Lab): Promise<Finding[]> {
  const here = await lookHere(lab, ['interfaces'])
  return lookedAt(() => checkNetwork({ lab, host: undefined, here })) ?? []
}

/** What can be known before libvirt has answered. */
interface Around {
  knocks: Knock[]
  here: HostFacts
}

/** Asks this host, and tries to connect to each node if libvirt is on this host; that also makes the kernel look up its MAC. */
export async function lookAround(
  lab: Lab,
  nodes: Node[],
  questions = questionsOf(false),
): Promise<Around> {
  const { isHere } = libvirtHost(lab.libvirt)
  const ask = ({ address }: Node) => (isHere ? knock(address, 22, 250) : 'silent')
  const [here, ...knocks] = await Promise.all([
    lookHere(lab, questions),
    ...nodes.map(async (node) => ({ node, answer: await ask(node) })),
  ])
  return { here, knocks }
}

async function lookHere(lab: Lab, questions: Question[]): Promise<HostFacts> {
  const { stdout } = await ask(lookScript(lab, questions), { seconds: 30 })
  return parseLook(lab, stdout)
}

/** The same with the neighbours that the kernel found, and KVM. */
async function settle(lab: Lab, { here, knocks }: Around) {
  const [neighbours, kvm] = await Promise.all([findNeighbours(lab, knocks), findKvm(lab, here)])
  const all: HostFacts = (question) => (question === 'neighbours' ? neighbours : here)(question)
  return { here: all, knocks, ...kvm }
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

async function askLibvirt(lab: Lab): Promise<{ host?: Host; trouble?: LabError }> {
  try {
    return { host: await observe(lab) }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { trouble: error }
  }
}

async function findPlace(
  lab: Lab,
  nodes: Node[],
  host: Host | undefined,
  remember: Shell['remember'],
): Promise<ImagePlace> {
  if (host && nodes.every((node) => isMade(host, lab, node))) return 'not needed'
  try {
    const image = await findImage(lab, remember)
    if (isCached(image)) return { file: image.file }
    const url = image.url ?? ''
    return { url, obstacle: await whyNot(url) }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return { error }
  }
}
