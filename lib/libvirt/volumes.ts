// EDGE. Reads the pool and its volumes.
import type { Lab } from '../lab/lab.ts'
import { parsePool, parseVolume, words, type Host, type Volume } from './host.ts'
import { quote } from '../text/quote.ts'
import { volumesOfNode } from './ownership.ts'
import { ask, readable, type Answers, type Read } from './virsh.ts'

type Storage = Pick<Host, 'pool' | 'volumeNames' | 'volumes'>
export const noPool: Storage = { volumeNames: [], volumes: [] }

/** The names in `vol-list`, whose second column is the path. */
export const volumeList = (output: string): string[] =>
  words(output).map((line) => line.split(/\s{2,}/)[0] ?? line)

/** The reads for the pool; its volumes can be read only while it is active. */
export function poolReads(lab: Lab, active: boolean, more: string[]): Read[] {
  const pool = lab.pool.name
  const own = lab.nodes.flatMap(volumesOfNode)
  const all = active ? [...new Set([...own, ...more])] : []
  return [
    ...(active ? [['refresh', `pool-refresh ${pool}`] satisfies Read] : []),
    ['pool', `pool-dumpxml ${pool}`],
    ...(active ? [['volumes', `vol-list ${pool}`] satisfies Read] : []),
    ...all.map((name) => volumeRead(pool, name)),
  ]
}

const volumeRead = (pool: string, name: string): Read => [
  `volume ${name}`,
  `vol-dumpxml --pool ${pool} ${quote(name)}`,
]

/** The pool, from the answers. */
export function poolFrom(lab: Lab, details: Answers, active: boolean, more: string[]): Storage {
  const xml = details('pool')
  if (xml === undefined) return noPool
  const pool = parsePool(xml)
  if (active) details('refresh')
  const volumes = poolReads(lab, active, more).flatMap(([label, command]) =>
    label.startsWith('volume ') ? (volumeFrom(lab, details(label), command) ?? []) : [],
  )
  return {
    pool: {
      ...readable(lab, pool, pool.uuid && pool.path, `pool-dumpxml ${lab.pool.name}`),
      active,
    },
    volumeNames: active ? volumeList(details('volumes') ?? '') : [],
    volumes,
  }
}

function volumeFrom(lab: Lab, xml: string | undefined, command: string): Volume | undefined {
  if (xml === undefined) return undefined
  const volume = parseVolume(xml)
  return readable(lab, volume, volume.name && volume.path, command)
}

/** The host with its active pool as it is now, with details of `more` volumes. */
export async function readAgain(lab: Lab, host: Host, more: string[] = []): Promise<Host> {
  const details = await ask(lab, poolReads(lab, true, more))
  return { ...host, ...poolFrom(lab, details, true, more) }
}

/** The bytes at one place of each volume, as text; volumes that do not exist are left out. */
export async function readInVolumes(
  lab: Lab,
  volumes: string[],
  { offset, length }: { offset: number; length: number },
): Promise<Map<string, string>> {
  const found = await ask(
    lab,
    volumes.map((name) => [
      name,
      `vol-download --pool ${lab.pool.name} ${quote(name)} /dev/stdout --offset ${offset} --length ${length}`,
    ]),
  )
  return new Map(
    volumes.flatMap((name): [string, string][] => {
      const text = found(name)
      return text === undefined ? [] : [[name, text]]
    }),
  )
}
