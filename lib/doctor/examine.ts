// EDGE. All checks, for doctor and up.
import { whyNot } from '../download/fetch.ts'
import { findImage, isCached } from '../download/image.ts'
import { hostsOf, nodesOn } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { thisHost } from '../libvirt/host-names.ts'
import { lookAtHosts, pairAll, type Seen } from '../libvirt/hosts.ts'
import { observe, type Host } from '../libvirt/observe.ts'
import type { Shell } from '../shell/carry-out.ts'
import { LabError } from '../text/errors.ts'
import { lookAround, lookHere, settle } from './around.ts'
import { findAll, questions, type ImagePlace } from './all-checks.ts'
import { lookedAt } from './facts.ts'
import { type Finding } from '../text/findings.ts'
import { freeNetwork, proposals } from './free.ts'
import { checkNetwork } from './network.ts'
import { forThisHost, type Setup } from './setup.ts'
import { checkRoutes } from './traffic.ts'

/** All checks, on all hosts of the lab, with what fixes this one. */
export async function examine(
  lab: Lab,
  nodes: Node[],
  { remember }: Shell,
  setup: Promise<Setup>,
): Promise<Finding[]> {
  const looks = hostsOf(lab).map((at) => {
    const own = nodesOn(at, nodes)
    return { lab: at, nodes: own, around: lookAround(at, own, questions, 250) }
  })
  const looking = lookAtHosts(lab, observe)
  const [arounds, seen, image, found] = await Promise.all([
    Promise.all(looks.map(({ lab, around }) => settle(lab, around))),
    looking,
    looking.then((seen) => findPlace(lab, nodes, seen, remember)),
    setup,
  ])
  const more = { image, node: process.versions.node, proxy: hasProxy() }
  const first = thisHost(looks.map(({ lab }) => lab))
  const all = looks.map(({ lab, nodes }, index) => {
    const around = arounds[index]!
    const host = seen.sites.find((one) => one.lab.on === lab.on)?.host
    const trouble = seen.silent.find((one) => one.lab.on === lab.on)?.error
    const propose = proposals(lab, around.here)
    const facts = { ...more, lab, nodes, host, trouble, ...around, propose }
    return forThisHost(findAll(facts, lab === first), found, lab)
  })
  return all.flat()
}

const hasProxy = () =>
  ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'].find((name) => process.env[name])

/** The check of the lab's network, without libvirt. */
export async function checkNetworks(lab: Lab): Promise<Finding[]> {
  const here = await lookHere(lab, ['interfaces', 'routes'])
  return lookedAt(() => checkNetwork({ lab, host: undefined, here })) ?? []
}

/** A free network, where that of a NAT lab leads elsewhere on this host. */
export async function freeInstead(lab: Lab): Promise<string | undefined> {
  const [here, host] = await Promise.all([lookHere(lab, ['interfaces', 'routes']), askLibvirt(lab)])
  const isTaken = lookedAt(() =>
    [checkNetwork, checkRoutes].flatMap((check) => check({ lab, host, here })),
  )?.some(({ level }) => level !== 'ok')
  return isTaken ? freeNetwork(lab, here) : undefined
}

async function askLibvirt(lab: Lab): Promise<Host | undefined> {
  try {
    return await observe(lab)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    return undefined
  }
}

async function findPlace(
  lab: Lab,
  nodes: Node[],
  seen: Seen,
  remember: Shell['remember'],
): Promise<ImagePlace> {
  const made = pairAll(seen, nodes).filter(({ domain }) => domain)
  if (made.length === nodes.length) return 'not needed'
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
