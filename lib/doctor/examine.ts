// EDGE. All checks, for doctor and up.
import { whyNot } from '../download/fetch.ts'
import { findImage, isCached } from '../download/image.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { observe, type Host } from '../libvirt/observe.ts'
import type { Shell } from '../shell/carry-out.ts'
import { LabError } from '../text/errors.ts'
import { lookAround, lookHere, settle } from './around.ts'
import { findAll, questions, type ImagePlace } from './all-checks.ts'
import { lookedAt } from './facts.ts'
import { type Finding } from '../text/findings.ts'
import { freeNetwork, proposals } from './free.ts'
import { checkNetwork } from './network.ts'
import { isMade } from './ownership.ts'
import { checkRoutes } from './traffic.ts'

/** All checks. */
export async function examine(lab: Lab, nodes: Node[], { remember }: Shell): Promise<Finding[]> {
  const first = lookAround(lab, nodes, questions, 250)
  const { host, trouble } = await askLibvirt(lab)
  const [around, image] = await Promise.all([
    settle(lab, first),
    findPlace(lab, nodes, host, remember),
  ])
  const facts = { lab, nodes, host, ...around, propose: proposals(lab, around.here) }
  return findAll({ ...facts, trouble, image, node: process.versions.node, proxy: hasProxy() })
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
  const [here, { host }] = await Promise.all([
    lookHere(lab, ['interfaces', 'routes']),
    askLibvirt(lab),
  ])
  const isTaken = lookedAt(() =>
    [checkNetwork, checkRoutes].flatMap((check) => check({ lab, host, here })),
  )?.some(({ level }) => level !== 'ok')
  return isTaken ? freeNetwork(lab, here) : undefined
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
