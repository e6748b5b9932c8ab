// PURE. Whether there is memory and disk space for the machines that do not exist yet.
import type { Node } from '../lab/lab.ts'
import { counted, formatSize } from '../text/size.ts'
import { numberIn, type Facts } from './facts.ts'
import { isMade } from './ownership.ts'
import { failure, ok, warning, type Finding } from '../text/findings.ts'

const ofHost = 2 ** 30 // for the host itself
const smallest = 4 * 2 ** 30 // labs/small.yaml

/** The host's memory against the need of the lab's machines, and what is free against those that do not run yet. */
export function checkMemory({
  lab,
  nodes,
  host,
  here,
}: Pick<Facts, 'lab' | 'nodes' | 'host' | 'here'>): Finding[] {
  if (!host) return []
  const memory = (key: string) =>
    numberIn(here('memory'), new RegExp(`^${key}:\\s+(\\d+) kB`, 'm')) * 1024
  const own = host.domains.filter(({ owner }) => owner?.lab === lab.name)
  const asked = lab.nodes.filter((node) => nodes.includes(node) || isMade(host, lab, node))
  const [all, whole] = [sum(asked), memory('MemTotal')]
  if (all + ofHost > whole) {
    const fitting = lab.others
      ? '# put a machine on another host: nodes[].host in the lab file'
      : smallest + ofHost > whole
        ? '# no lab fits here: RKE2 wants a machine of 4 GiB, on a host of 8 GiB'
        : '# one machine fits here: cp labs/small.yaml lab.yaml, then npm start'
    const found = `the machines take ${formatSize(all)}, and there are only ${formatSize(whole)} in all`
    return [failure('memory', found, fitting, '# or give the nodes less memory in the lab file')]
  }
  const running = new Set(own.filter(({ state }) => state === 'running').map(({ name }) => name))
  const wanted = sum(nodes.filter(({ name }) => !running.has(name)))
  const available = memory('MemAvailable')
  const found = `${formatSize(available)} free, ${formatSize(wanted)} needed`
  const advice = '# give the nodes less memory in the lab file, or stop other programs'
  return [wanted <= available ? ok('memory', found) : warning('memory', found, advice)]
}

const sum = (nodes: Node[]) => nodes.reduce((all, { memory }) => all + memory, 0)

const perNode = 6 * 2 ** 30 // roughly the least that a node with RKE2 and its images takes

/** Free disk space against the need of new nodes. */
export function checkDisk({ lab, host, here }: Facts): Finding[] {
  if (!host) return []
  const available = host.pool?.available || numberIn(here('disk'), /^\s*(\d+)$/m)
  const { path } = lab.pool
  const isNew = ({ volume }: { volume: string }) => !host.volumeNames.includes(volume)
  const roots = lab.nodes.filter(isNew).length
  const more = lab.nodes.flatMap(({ disks }) => disks).filter(isNew)
  const fresh = roots + more.length
  // How full a further disk gets is unknown, so its whole size counts.
  const wanted = roots * perNode + more.reduce((sum, { size }) => sum + size, 0)
  const need =
    fresh === 0 ? '' : `, about ${formatSize(wanted)} needed for ${counted(fresh, 'new disk')}`
  const found = `${formatSize(available)} free in ${path}${need}`
  const advice = '# free some space there, or put the disks elsewhere (pool in the lab file)'
  return [wanted <= available ? ok('disk space', found) : warning('disk space', found, advice)]
}
