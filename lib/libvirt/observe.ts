// EDGE. One look at libvirt: everything the phases decide on, in two virsh processes.
import { randomUUID } from 'node:crypto'
import { LabError } from '../text/errors.ts'
import { networkUuid, type Lab } from '../lab/lab.ts'
import {
  connectionProblem,
  parseDomain,
  parseNetwork,
  parsePool,
  parseVolume,
  sections,
  words,
  type Domain,
  type Network,
  type Volume,
} from './host.ts'
import { quote } from '../text/quote.ts'
import { queryWithin } from '../shell/shell.ts'

export interface Host {
  /** Every domain of the host, whoever made it. */
  domains: Domain[]
  pool?: { uuid: string; path: string; available: number; active: boolean }
  /** Names of all volumes in the pool. */
  volumeNames: string[]
  /** Details of this lab's volumes, and of those asked for. */
  volumes: Volume[]
  /** The NAT network of the lab's name, when the lab has one and it exists. */
  network?: Network & { active: boolean }
  /** NAT networks that this lab made while its lab file named them. */
  formerNetworks: { name: string; active: boolean }[]
}

/** virsh with the lab's connection, for `run` and `query`. */
export const virsh = (lab: Lab) => ['virsh', '-c', lab.libvirt]

type Read = [label: string, command: string]

// Reads may share a process: virsh goes on after an error, and a missing thing just leaves its section empty.
async function readMany(lab: Lab, reads: Read[]): Promise<Map<string, string>> {
  if (reads.length === 0) return new Map()
  const mark = `@${randomUUID()}`
  const batch = [...reads, ['end', 'echo'] satisfies Read]
    .map(([label, command]) => `echo '${mark} ${label}${mark}'; ${command}`)
    .join('; ')
  const reading = reads.map(([, command]) => command).join('; ') // what --verbose shows: the same without the marks
  const shown = [...virsh(lab), '-q', reading].map(quote).join(' ')
  const { stdout, stderr, code } = await queryWithin(60, shown)`${virsh(lab)} -q ${batch}`
  if (code !== 0 && /failed to connect|cannot recv data|end of file while reading/i.test(stderr)) {
    const { why, fix } = connectionProblem(stderr, lab.libvirt)
    throw new LabError(why, { hint: [...fix, '# then: npx zx scripts/doctor.ts'] })
  }
  if (code === 127)
    throw new LabError('virsh is not installed', {
      hint: 'sudo apt-get install libvirt-daemon-system libvirt-clients',
    })
  const found = sections(stdout, mark)
  if (!found.has('end'))
    throw new LabError('libvirt did not tell all that it was asked', {
      details: stderr.split('\n').slice(0, 3),
      hint: `virsh -c ${quote(lab.libvirt)} list --all`,
    })
  return found
}

/** Looks at all domains, the pool, this lab's volumes (and `more` of them), its network and former ones. */
export async function observe(lab: Lab, more: string[] = []): Promise<Host> {
  const pool = lab.pool.name
  const { nat } = lab.network
  const lists = await readMany(lab, [
    ['domains', 'list --all --uuid'],
    ['pools', 'pool-list --all --name'],
    ['active pools', 'pool-list --name'],
    ['networks', 'net-list --all --name'],
    ['active networks', 'net-list --name'],
  ])
  const listed = (label: string) => words(lists.get(label) ?? '')
  const hasPool = listed('pools').includes(pool)
  const hasNetwork = nat !== undefined && listed('networks').includes(nat)
  const others = listed('networks').filter((name) => name !== nat)
  const details = await readMany(lab, [
    ...listed('domains').flatMap((uuid): Read[] => [
      [`live ${uuid}`, `dumpxml ${uuid}`],
      [`config ${uuid}`, `dumpxml --inactive ${uuid}`],
      [`state ${uuid}`, `domstate ${uuid}`],
      [`persistent ${uuid}`, `dominfo ${uuid}`],
    ]),
    ...(hasPool ? poolReads(lab, more) : []),
    ...(hasNetwork ? ([['network', `net-dumpxml ${nat}`]] satisfies Read[]) : []),
    ...others.map((name): Read => [`network ${name}`, `net-uuid ${quote(name)}`]),
  ])
  const section = (label: string) => details.get(label) ?? ''
  return {
    domains: listed('domains').flatMap((uuid) => {
      const live = section(`live ${uuid}`)
      if (!live) return [] // gone since it was listed
      const persistent = /^Persistent:\s+yes$/m.test(section(`persistent ${uuid}`))
      return [
        parseDomain(live, persistent ? section(`config ${uuid}`) : '', section(`state ${uuid}`)),
      ]
    }),
    ...poolFrom(details, listed('active pools').includes(pool)),
    ...(hasNetwork
      ? {
          network: {
            ...parseNetwork(section('network')),
            active: listed('active networks').includes(nat),
          },
        }
      : {}),
    formerNetworks: others
      .filter((name) => section(`network ${name}`) === networkUuid(lab.name, name))
      .map((name) => ({ name, active: listed('active networks').includes(name) })),
  }
}

/** The host with its pool, which is active, as that is now, with details of `more` volumes. */
export async function observePool(lab: Lab, host: Host, more: string[] = []): Promise<Host> {
  return { ...host, ...poolFrom(await readMany(lab, poolReads(lab, more)), true) }
}

function poolReads(lab: Lab, more: string[]): Read[] {
  const pool = lab.pool.name
  const own = lab.nodes.flatMap(({ volume, seedVolume }) => [volume, seedVolume])
  return [
    ['refresh', `pool-refresh ${pool}`],
    ['pool', `pool-dumpxml ${pool}`],
    ['volumes', `vol-list ${pool}`],
    ...[...new Set([...own, ...more])].map((name): Read => [
      `volume ${name}`,
      `vol-dumpxml --pool ${pool} ${quote(name)}`,
    ]),
  ]
}

function poolFrom(
  answers: Map<string, string>,
  active: boolean,
): Pick<Host, 'pool' | 'volumeNames' | 'volumes'> {
  const pool = answers.get('pool')
  const details = [...answers].filter(([label]) => label.startsWith('volume '))
  return {
    ...(pool ? { pool: { ...parsePool(pool), active } } : {}),
    volumeNames: words(answers.get('volumes') ?? '').map((line) => line.split(/\s{2,}/)[0] ?? line),
    volumes: details.flatMap(([, xml]) => (xml ? [parseVolume(xml)] : [])),
  }
}

/** One volume of the pool as it is now; undefined when there is none of that name. */
export async function readVolume(lab: Lab, name: string): Promise<Volume | undefined> {
  const pool = lab.pool.name
  const found = await readMany(lab, [
    ['refresh', `pool-refresh ${pool}`],
    ['volume', `vol-dumpxml --pool ${pool} ${quote(name)}`],
  ])
  const xml = found.get('volume')
  return xml ? parseVolume(xml) : undefined
}
