// EDGE. What the machines need of this host: memory, disk space, an image to grow on.
import { readFile, statfs } from 'node:fs/promises'
import { isLocal } from './libvirt.ts'
import { whyNot } from '../download/fetch.ts'
import { LabError } from '../text/errors.ts'
import { failure, ok, warning, type Finding } from './findings.ts'
import { findImage, isCached } from '../download/image.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import { isMade } from './ownership.ts'
import { diskFinding, memoryFinding } from './capacity-findings.ts'

/** Memory and disk space of this host. */
export async function checkRoom(
  lab: Lab,
  nodes: Node[],
  host: Host | undefined,
): Promise<Finding[]> {
  if (!host || !isLocal(lab.libvirt)) return []
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const kibibytes = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? 0)
  const findings = kibibytes > 0 ? [memoryFinding(lab, nodes, host, kibibytes * 1024)] : []
  const free = host.pool?.available || (await freeSpace('/var/lib/libvirt/images'))
  return free === undefined ? findings : [...findings, diskFinding(lab, host, free)]
}

const freeSpace = (folder: string) =>
  statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  )

/** The image: at hand, or its publisher reachable. */
export async function checkImage(
  lab: Lab,
  nodes: Node[],
  host: Host | undefined,
): Promise<Finding[]> {
  if (host && nodes.every((node) => isMade(host, lab, node)))
    return [ok('image', 'not needed: every machine is made')]
  try {
    const image = await findImage(lab)
    if (isCached(image)) return [ok('image', `${image.file} is at hand`)]
    const obstacle = await whyNot(image.url ?? '')
    if (!obstacle) return [ok('image', `${image.url} can be had`)]
    const level = obstacle.sure ? failure : warning
    const advice = '# mend image.url in the lab file, or the way to the internet'
    return [level('image', `${image.url}: ${obstacle.why}`, advice)]
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const advice = error.hint.map((text) => (text.startsWith('#') ? text : `# ${text}`)) // for people, not for --fix
    return [failure('image', [error.message, ...error.details].join('; '), ...advice)]
  }
}
