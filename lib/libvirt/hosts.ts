// EDGE. Looks at all hosts of a lab at the same time; one that does not answer is known, and the others are used.
import { existsSync } from 'node:fs'
import { hostsOf, nodesOn } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import * as ui from '../cli/ui.ts'
import { asOne, LabError, type Hint } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { look, observe, virsh, type Host } from './observe.ts'
import { pair, whoseDomain, type Machine } from './ownership.ts'
import { hostName, namedHost } from './host-names.ts'

/** A host, and the lab as it sees it. */
export interface Site {
  lab: Lab
  host: Host
}

export interface Seen {
  sites: Site[]
  /** Hosts that do not answer, and why; `isUp`: they did, but not about all that is asked for. */
  silent: { lab: Lab; error: LabError; isUp?: true }[]
}

/** Reads all hosts. */
export async function lookAtHosts(lab: Lab, read = look): Promise<Seen> {
  const labs = hostsOf(lab)
  const results = await Promise.allSettled(labs.map((one) => read(one)))
  const seen: Seen = { sites: [], silent: [] }
  for (const [index, at] of labs.entries()) {
    const result = results[index]
    if (result?.status === 'fulfilled') seen.sites.push({ lab: at, host: result.value })
    else if (!(result?.reason instanceof LabError)) throw result?.reason
    else seen.silent.push({ lab: at, error: namedHost(at, result.reason) })
  }
  checkTwins(seen.sites)
  return seen
}

// A lab's machine of that UUID exists once.
function checkTwins(sites: Site[]): void {
  for (const [index, { lab, host }] of sites.entries())
    for (const before of sites.slice(0, index)) {
      const twin = ours(lab, host).find(({ uuid }) =>
        ours(before.lab, before.host).some((one) => one.uuid === uuid),
      )
      if (twin) throw twice(twin.name, before.lab, lab)
    }
}

const ours = (lab: Lab, { domains }: Host) =>
  domains.filter((domain) => whoseDomain(lab, domain) === 'ours')

const twice = (name: string, one: Lab, other: Lab) =>
  new LabError(`${name} is on ${hostName(one)} and on ${hostName(other)}`, {
    details: ['both are one libvirt, or another folder has a lab of this name there'],
    hint: [
      '# name each libvirt once in the lab file, or give one of the labs another name; to compare:',
      ...[one, other].map(({ libvirt }) => commandText`${virsh({ libvirt })} list --all`),
    ],
  })

/** Reads more of each host, one after another; of several, one that fails is from then on like one that does not answer. */
export async function eachSite(
  { sites, silent }: Seen,
  read: (site: Site) => Promise<Host>,
): Promise<Seen> {
  const seen: Seen = { sites: [], silent: [...silent] }
  for (const { lab, host } of sites)
    try {
      seen.sites.push({ lab, host: await read({ lab, host }) })
    } catch (error) {
      if (!(error instanceof LabError) || lab.on === undefined) throw error
      seen.silent.push({ lab, error: namedHost(lab, error), isUp: true })
    }
  if (seen.sites.length === 0) throw asOne(seen.silent.map(({ error }) => error))
  return seen
}

/** The same with `observe`; throws when none answers. */
export async function observeHosts(lab: Lab, read = observe): Promise<Seen> {
  const seen = await lookAtHosts(lab, read)
  if (seen.sites.length > 0) return seen
  throw asOne(seen.silent.map(({ error }) => error))
}

/** `observeHosts` for what must not be done by halves: throws when one host does not answer. */
export async function observeAll(lab: Lab): Promise<Seen> {
  const seen = await observeHosts(lab)
  const [one] = seen.silent
  if (one) throw one.error
  return seen
}

/** Pairs nodes with what they have, on the hosts that answer; in the order of the nodes. */
export const pairAll = ({ sites }: Seen, nodes: Node[]): Machine[] =>
  sites
    .flatMap(({ lab, host }) =>
      pair(lab, host, nodesOn(lab, nodes)).map((machine) => {
        const other = sites.find((one) => one.host !== host && hasMade(one, machine.node))
        return other ? { ...machine, elsewhere: hostName(other.lab) } : machine
      }),
    )
    .sort((one, other) => nodes.indexOf(one.node) - nodes.indexOf(other.node))

const hasMade = ({ lab, host }: Site, { name }: Node) =>
  ours(lab, host).some((domain) => domain.name === name)

/** The host of a node, where it answers. */
export function siteOf({ sites }: Seen, node: Node): Site {
  const site = sites.find(({ lab }) => lab.nodes.includes(node))
  if (!site) throw new Error(`the host of ${node.name} was not seen`)
  return site
}

/** The nodes on hosts that do not answer. */
export const silentNodes = ({ silent }: Seen, nodes: Node[]): Node[] =>
  nodes.filter((node) => silent.some(({ lab }) => lab.nodes.includes(node)))

/** The nodes on hosts that answer; throws when there are none, warns of the other hosts. */
export function answeringNodes(seen: Seen, nodes: Node[]): Node[] {
  const silent = silentNodes(seen, nodes)
  if (silent.length > 0 && silent.length === nodes.length) throw leftOut(seen, nodes)
  for (const { error } of seen.silent) ui.warn(error.message)
  return nodes.filter((node) => !silent.includes(node))
}

/** Throws for nodes that were made, but have nothing on a host that answers: they may be on one that does not. */
export function checkFound(seen: Seen, nodes: Node[]): void {
  const [one] = seen.silent
  if (!one) return
  const lost = pairAll(seen, nodes).filter(
    ({ node, domain, elsewhere, disk }) =>
      !(domain ?? elsewhere ?? disk) && existsSync(`${node.dir}/domain.xml`),
  )
  if (lost.length === 0) return
  const names = lost.map(({ name }) => name).join(', ')
  throw new LabError(
    `${names}: it was made, and may be on ${hostName(one.lab)}, which does not answer`,
    {
      details: [one.error.message, ...one.error.details],
      hint: [...one.error.hint, '# then run this again'],
      cause: one.error,
    },
  )
}

/** The error for nodes that are left out because their hosts do not answer; undefined when there are none. */
export function leftOut({ silent }: Seen, nodes: Node[], hint?: Hint): unknown {
  const errors = silent.flatMap(({ lab, error }) => {
    const names = nodesOn(lab, nodes).map(({ name }) => name)
    if (names.length === 0) return []
    const details = [...error.details, `left out: ${names.join(', ')}`]
    return new LabError(error.message, {
      details,
      hint: [...error.hint, ...(hint ? [hint] : [])],
      cause: error,
    })
  })
  return asOne(errors)
}
