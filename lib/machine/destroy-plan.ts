// PURE. What destroy will remove, and what it leaves alone although it looks like the lab's.
import { volumeNames, type Lab, type Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import type { Domain } from '../libvirt/host.ts'
import { isCutOff } from './seed-drive.ts'
import { chainsOf, isOverlay, isSnapshot, usedVolumes } from '../libvirt/volume-chains.ts'

export interface DestroyPlan {
  domains: Domain[]
  /** Names of disks and seeds. */
  volumes: string[]
  /** Names of base images that nothing grows on any more. */
  images: string[]
  /** NAT networks of this lab. */
  networks: { name: string; active: boolean }[]
  /** Whether the (then empty) pool goes as well. */
  pool: boolean
  /** Names of nodes of which anything may be left on the host: logs, keys. */
  names: string[]
  /** Things that look like the lab's, but are not. */
  leftAlone: string[]
}

/** Works out the removal; `named` are nodes from the command line, empty for the whole lab. */
export function destroyPlan(
  lab: Lab,
  named: Node[],
  host: Host,
  isSeedOf: (volume: string, node: string) => boolean,
  withImages: boolean,
): DestroyPlan {
  const whole = named.length === 0
  const owned = host.domains.filter(
    ({ owner, name }) =>
      owner?.lab === lab.name && (whole || named.some((node) => node.name === name)),
  )
  const labNodes = whole ? lab.nodes : named
  const names = [
    ...new Set([...owned.map(({ name }) => name), ...labNodes.map(({ name }) => name)]),
  ]
  const foreign = host.domains.filter(
    ({ owner, name }) => owner?.lab !== lab.name && names.includes(name),
  )
  const foreignFiles = new Set(
    host.domains
      .filter(({ owner }) => owner?.lab !== lab.name)
      .flatMap((domain) => [...chainsOf(host, domain)]),
  )

  const isOurs = (volume: string, node: string) => {
    if (foreignFiles.has(`${lab.pool.path}/${volume}`)) return false
    const domain = owned.find(({ name }) => name === node)
    if (domain?.files.includes(`${lab.pool.path}/${volume}`)) return true
    const details = host.volumes.find(({ name }) => name === volume)
    if (!volume.endsWith('.iso')) return isOverlay(details, lab)
    return (details && isCutOff(details)) || isSeedOf(volume, node)
  }
  const poolIsOurs = host.pool?.uuid === lab.pool.uuid
  const candidates = names.flatMap((node) =>
    Object.values(volumeNames(lab.name, node)).map((volume) => ({ node, volume })),
  )
  const there = poolIsOurs
    ? candidates.filter(({ volume }) => host.volumeNames.includes(volume))
    : []
  const chainOf = (volume: string) => chainsOf(host, { files: [`${lab.pool.path}/${volume}`] })
  const own = there.filter(({ volume, node }) => isOurs(volume, node))
  const used = poolIsOurs ? owned.flatMap((domain) => usedVolumes(lab, host, domain)) : []
  // Where an earlier removal was cut off, no domain tells of these any more, but they grow on the node's disk.
  const growing = own.flatMap(({ volume: disk, node }) =>
    host.volumeNames
      .filter((volume) => chainOf(volume).has(`${lab.pool.path}/${disk}`))
      .map((volume) => ({ volume, node })),
  )
  const snapshots = [...used, ...growing]
    .filter(
      ({ volume, node }) =>
        isSnapshot(lab, node, volume) &&
        !there.some((one) => one.volume === volume) &&
        !foreignFiles.has(`${lab.pool.path}/${volume}`),
    )
    .sort((one, other) => chainOf(other.volume).size - chainOf(one.volume).size) // from the top down
  const volumes = [...new Set([...snapshots, ...own].map(({ volume }) => volume))]
  const others = used.filter(
    ({ volume }) => !volumes.includes(volume) && !there.some((one) => one.volume === volume),
  )
  const images = (withImages && whole && poolIsOurs ? unusedImages(host, volumes) : []).filter(
    (name) => !foreignFiles.has(`${lab.pool.path}/${name}`),
  )
  const remaining = host.volumeNames.filter(
    (name) => !volumes.includes(name) && !images.includes(name),
  )
  return {
    domains: owned,
    volumes,
    images,
    networks: whole ? networksOf(lab, host) : [],
    pool: whole && poolIsOurs && remaining.length === 0,
    names: names.filter((name) => !foreign.some((domain) => domain.name === name)),
    leftAlone: [
      ...foreign.map(
        ({ name, owner }) =>
          `domain ${name}: ${owner ? `lab ${owner.lab}` : 'somebody else'} made it`,
      ),
      ...there
        .filter(({ volume }) => !volumes.includes(volume))
        .map(({ volume }) =>
          foreignFiles.has(`${lab.pool.path}/${volume}`)
            ? `volume ${volume}: a domain of somebody else uses it`
            : `volume ${volume}: this lab did not make it`,
        ),
      ...others.map(
        ({ volume, node }) => `volume ${volume}: ${node} uses it, but this lab did not make it`,
      ),
      ...(host.network && host.network.uuid !== lab.networkUuid
        ? [`network ${lab.network.nat}: this lab did not make it`]
        : []),
      ...(host.pool && !poolIsOurs ? [`pool ${lab.pool.name}: these scripts did not make it`] : []),
      ...(whole && poolIsOurs ? strangers(lab, host, volumes, images) : []),
    ],
  }
}

function networksOf({ network, networkUuid }: Lab, host: Host) {
  const { nat } = network
  const isOurs = nat !== undefined && host.network?.uuid === networkUuid
  return [
    ...(isOurs ? [{ name: nat, active: host.network?.active ?? false }] : []),
    ...host.formerNetworks,
  ]
}

function unusedImages(host: Host, removed: string[]): string[] {
  const inUse = host.volumes
    .filter(({ name }) => !removed.includes(name))
    .map(({ backing }) => backing)
  return host.volumeNames.filter(
    (name) =>
      /^base-[0-9a-f]{16}\.qcow2$/.test(name) &&
      !inUse.some((backing) => backing?.endsWith(`/${name}`)),
  )
}

// Named like this lab's, yet of no node that is known: perhaps a node that was taken out of the lab file.
function strangers(lab: Lab, host: Host, volumes: string[], images: string[]): string[] {
  const used = new Set(host.domains.flatMap(({ files }) => files))
  return host.volumeNames
    .filter(
      (name) =>
        name.startsWith(`${lab.name}-`) && !volumes.includes(name) && !images.includes(name),
    )
    .filter((name) => !used.has(`${lab.pool.path}/${name}`))
    .filter(
      (name) =>
        !lab.nodes.some((node) => Object.values(volumeNames(lab.name, node.name)).includes(name)),
    )
    .map((name) => `volume ${name}: no node of the lab file and no domain has it`)
}

/** True when there is nothing of the lab on the host. */
export const isNothing = (plan: DestroyPlan) =>
  plan.domains.length + plan.volumes.length + plan.images.length === 0 &&
  plan.networks.length === 0 &&
  !plan.pool

/** The removal in words, for the question. */
export function planText(lab: Lab, plan: DestroyPlan, logs: string[], files: string[]): string[] {
  return [
    ...plan.domains.map(({ name, state }) => `domain   ${name} (${state})`),
    ...plan.volumes.map((name) => `volume   ${name}`),
    ...plan.images.map((name) => `image    ${name}`),
    ...plan.networks.map(({ name }) => `network  ${name}`),
    ...(plan.pool ? [`pool     ${lab.pool.name} (empty then)`] : []),
    ...logs.map((file) => `logs     ${file}`),
    ...files.map((file) => `files    ${file}`),
  ]
}
