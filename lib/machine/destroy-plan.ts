// PURE. What destroy removes, and what it leaves alone although it looks like the lab's.
import { LabError } from '../text/errors.ts'
import { volumeNames, type Lab, type Node } from '../lab/lab.ts'
import type { Domain, Host } from '../libvirt/host.ts'
import { poolTrouble, whoseDomain, whoseNetwork, whosePool } from '../libvirt/ownership.ts'
import { quote } from '../text/quote.ts'
import { strangers, unusedImages, volumesOf } from './destroy-volumes.ts'

export interface DestroyPlan {
  domains: Domain[]
  /** Names of disks and seeds. */
  volumes: string[]
  /** Names of base images that no disk uses any more. */
  images: string[]
  /** NAT networks of this lab. */
  networks: { name: string; active: boolean }[]
  /** Whether the pool, empty after that, is removed too. */
  pool: boolean
  /** Names of nodes that may have logs or keys on the host. */
  names: string[]
  /** Things that look like the lab's, but are not. */
  leftAlone: string[]
}

/** Plans the removal; `named`: nodes from the command line, none for the whole lab; `tags`: those of seed volumes. */
export function destroyPlan(
  lab: Lab,
  named: Node[],
  host: Host,
  tags: Map<string, string>,
  withImages: boolean,
): DestroyPlan {
  const whole = named.length === 0
  checkSeen(lab, host, whole)
  const isMeant = (name: string) => whole || named.some((node) => node.name === name)
  const domains = host.domains.filter(
    (domain) => whoseDomain(lab, domain) === 'ours' && isMeant(domain.name),
  )
  const nodes = [...lab.nodes, ...(lab.others ?? [])] // a killed run may have left those of a machine on its former host
  const labNames = nodes.filter(({ name }) => isMeant(name)).map(({ name }) => name)
  const names = [...new Set([...domains.map(({ name }) => name), ...labNames])]
  const foreign = host.domains.filter(
    (domain) => whoseDomain(lab, domain) !== 'ours' && names.includes(domain.name),
  )
  const isOurs = host.pool !== undefined && whosePool(lab, host.pool) === 'ours'
  const { volumes, leftAlone } = isOurs
    ? volumesOf(lab, host, domains, names, tags)
    : { volumes: [], leftAlone: [] }
  const has = (name: string) =>
    domains.some((domain) => domain.name === name) ||
    volumes.includes(volumeNames(lab.name, name).volume)
  const images = isOurs && withImages && whole ? unusedImages(lab, host, volumes) : []
  const remaining = host.volumeNames.filter((name) => ![...volumes, ...images].includes(name))
  return {
    domains,
    volumes,
    images,
    networks: whole ? networksOf(lab, host) : [],
    pool: whole && isOurs && remaining.length === 0,
    names: names.filter(
      (name) => !foreign.some((domain) => domain.name === name) && (isOf(lab, name) || has(name)),
    ),
    leftAlone: [
      ...foreign.map(({ name, owner }) => `domain ${name}: ${makerOf(owner)} made it`),
      ...leftAlone,
      ...(host.network && whoseNetwork(lab, host.network) !== 'ours'
        ? [`network ${lab.network.nat}: this lab did not make it`]
        : []),
      ...(host.pool && !isOurs ? [`pool ${lab.pool.name}: these scripts did not make it`] : []),
      ...(whole && isOurs ? strangers(lab, host, [...volumes, ...images]) : []),
    ],
  }
}

const isOf = ({ nodes }: Lab, name: string) => nodes.some((node) => node.name === name)
const makerOf = (owner: Domain['owner']) => (owner ? `lab ${owner.lab}` : 'someone else')

// Domains and keys show what else is the lab's, so they are kept until all of it can be removed.
function checkSeen(lab: Lab, host: Host, whole: boolean): void {
  const unseen = host.unseen?.find(({ what }) => whole || what === 'storage')?.error
  const isOff = host.pool && whosePool(lab, host.pool) === 'ours' && !host.pool.active
  const trouble =
    unseen ??
    (host.pool && whosePool(lab, host.pool) === 'moved' ? poolTrouble(host, lab) : undefined) ??
    (isOff ? poolOff(lab) : undefined)
  if (!trouble) return
  const where = lab.on === undefined ? '' : ' there'
  throw new LabError(
    `not all of the lab can be seen, so nothing is removed${where}: ${trouble.message}`,
    {
      details: trouble.details,
      hint: trouble.hint,
      cause: trouble,
    },
  )
}

const poolOff = ({ libvirt, pool }: Lab) =>
  new LabError(`the storage pool ${pool.name} is off`, {
    hint: `virsh -c ${quote(libvirt)} pool-start ${pool.name}`,
  })

function networksOf(lab: Lab, { network, formerNetworks }: Host): DestroyPlan['networks'] {
  const { nat } = lab.network
  const isOurs = nat !== undefined && network && whoseNetwork(lab, network) === 'ours'
  return [...(isOurs ? [{ name: nat, active: network.active }] : []), ...formerNetworks]
}

/** True when nothing of the lab is on the host. */
export const isNothing = (plan: DestroyPlan) =>
  plan.domains.length + plan.volumes.length + plan.images.length === 0 &&
  plan.networks.length === 0 &&
  !plan.pool

/** The removal in words, for the question. */
export function planText(
  lab: Lab,
  plan: DestroyPlan,
  {
    snapshots = [],
    logs = [],
    files = [],
  }: Partial<Record<'snapshots' | 'logs' | 'files', string[]>>,
  where = '',
): string[] {
  return [
    ...plan.domains.map(({ name, state }) => `domain   ${name} (${state})${where}`),
    ...snapshots.map((text) => `snapshot ${text}`),
    ...plan.volumes.map((name) => `volume   ${name}${where}`),
    ...plan.images.map((name) => `image    ${name}${where}`),
    ...plan.networks.map(({ name }) => `network  ${name}${where}`),
    ...(plan.pool ? [`pool     ${lab.pool.name} (empty after that)${where}`] : []),
    ...logs.map((file) => `logs     ${file}${where}`),
    ...files.map((file) => `files    ${file}`),
  ]
}
