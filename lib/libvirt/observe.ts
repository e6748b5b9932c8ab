// EDGE. Reads from libvirt everything that the phases decide on, in two virsh processes.
import { LabError } from '../text/errors.ts'
import { networkUuid, type Lab } from '../lab/lab.ts'
import { parseDomain, parseInfo, parseNetwork, words, type Domain, type Host } from './host.ts'
import { quote } from '../text/quote.ts'
import { libvirtTrouble } from './trouble.ts'
import { ask, readable, type Answers, type Read } from './virsh.ts'
import { noPool, poolFrom, poolReads } from './volumes.ts'

export type { Host } from './host.ts'
export { virsh } from './virsh.ts'

/** Reads all domains, the pool, this lab's volumes and `more`, its network and former ones. Throws when the domains cannot be
 *  read; what else libvirt did not show is in `unseen`. */
export async function look(lab: Lab, more: string[] = []): Promise<Host> {
  const unseen: NonNullable<Host['unseen']> = []
  const part = <T>(what: 'storage' | 'networks', read: () => T, otherwise: T): T => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof LabError)) throw error
      if (!unseen.some((one) => one.what === what)) unseen.push({ what, error })
      return otherwise
    }
  }
  const lists = await ask(lab, [
    ['domains', 'list --all --uuid'],
    ['pools', 'pool-list --all --name'],
    ['active pools', 'pool-list --name'],
    ['networks', 'net-list --all --name'],
    ['active networks', 'net-list --name'],
  ])
  const listed = (label: string) => words(lists(label) ?? '')
  const uuids = listed('domains')
  const pool = part('storage', () => poolState(lab, listed), undefined)
  const networks = part('networks', () => networkStates(listed), [])
  const details = await ask(lab, [
    ...(pool ? poolReads(lab, pool.active, more) : []),
    ...networks.map(({ name }) => networkRead(lab, name)),
    ...uuids.flatMap(domainReads),
    ...(uuids.length > 0 ? [['domains again', 'list --all --uuid'] satisfies Read] : []),
  ])
  return {
    domains: domainsFrom(lab, uuids, details),
    ...part('storage', () => (pool ? poolFrom(lab, details, pool.active, more) : noPool), noPool),
    ...part('networks', () => networksFrom(lab, networks, details), noNetworks),
    unseen,
  }
}

/** `look`, with an error when libvirt did not show something that the lab's machines need. */
export async function observe(lab: Lab): Promise<Host> {
  const host = await look(lab)
  const needed = host.unseen?.find(
    ({ what }) => what === 'storage' || lab.network.nat !== undefined,
  )
  if (needed) throw needed.error
  return host
}

const noNetworks = { formerNetworks: [] }

function poolState(lab: Lab, listed: (label: string) => string[]) {
  const [all, active] = [listed('pools'), listed('active pools')]
  return all.includes(lab.pool.name) ? { active: active.includes(lab.pool.name) } : undefined
}

function networkStates(listed: (label: string) => string[]) {
  const active = listed('active networks')
  return listed('networks').map((name) => ({ name, active: active.includes(name) }))
}

const domainReads = (uuid: string): Read[] => [
  [`live ${uuid}`, `dumpxml ${uuid}`],
  [`config ${uuid}`, `dumpxml --inactive ${uuid}`],
  [`info ${uuid}`, `dominfo ${uuid}`],
]

function domainsFrom(lab: Lab, uuids: string[], details: Answers): Domain[] {
  const still = uuids.length > 0 ? words(details('domains again') ?? '') : []
  return uuids.flatMap((uuid) => {
    const [live, config, info] = ['live', 'config', 'info'].map((side) =>
      details(`${side} ${uuid}`),
    )
    if (live !== undefined && config !== undefined && info !== undefined) {
      const { state, persistent, autostart, saved } = parseInfo(info)
      const parsed = parseDomain(live, persistent ? config : '', state, autostart)
      const domain = saved ? { ...parsed, saved } : parsed
      return [readable(lab, domain, domain.uuid && state, `dumpxml ${uuid}`)]
    }
    // virsh says "cannot get domain" for any other error too.
    if (!still.includes(uuid)) return [] // removed since it was listed
    throw libvirtTrouble(
      [`the domain ${uuid} is listed, but cannot be read`],
      lab.libvirt,
      `dominfo ${uuid}`,
    )
  })
}

const networkRead = ({ network }: Lab, name: string): Read => [
  `network ${name}`,
  `${name === network.nat ? 'net-dumpxml' : 'net-uuid'} ${quote(name)}`,
]

function networksFrom(
  lab: Lab,
  networks: { name: string; active: boolean }[],
  details: Answers,
): Pick<Host, 'network' | 'formerNetworks' | 'networks'> {
  const { nat } = lab.network
  const own = networks.find(({ name }) => name === nat)
  const xml = own && details(`network ${own.name}`)
  const network = xml === undefined ? undefined : parseNetwork(xml)
  return {
    networks,
    ...(own && network
      ? {
          network: readable(
            lab,
            { ...network, active: own.active },
            network.uuid,
            `net-dumpxml ${nat}`,
          ),
        }
      : {}),
    formerNetworks: networks.filter(
      ({ name }) => name !== nat && details(`network ${name}`) === networkUuid(lab.name, name),
    ),
  }
}
