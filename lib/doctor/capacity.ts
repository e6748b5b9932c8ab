// PURE. Whether there is memory and disk space for the machines that do not exist yet.
import { formatSize } from '../text/size.ts'
import { numberIn, type Facts } from './facts.ts'
import { ok, warning, type Finding } from '../text/findings.ts'

/** Free memory against the need of the machines that do not run yet. */
export function checkMemory({ lab, nodes, host, here }: Facts): Finding[] {
  if (!host) return []
  const available = numberIn(here('memory'), /^MemAvailable:\s+(\d+) kB/m) * 1024
  const own = host.domains.filter(({ owner }) => owner?.lab === lab.name)
  const running = new Set(own.filter(({ state }) => state === 'running').map(({ name }) => name))
  const idle = nodes.filter(({ name }) => !running.has(name))
  const wanted = idle.reduce((sum, { memory }) => sum + memory, 0)
  const found = `${formatSize(available)} free, ${formatSize(wanted)} needed`
  const advice = '# give the nodes less memory in the lab file, or stop other programs'
  return [wanted <= available ? ok('memory', found) : warning('memory', found, advice)]
}

const perNode = 6 * 2 ** 30 // roughly the least that a node with RKE2 and its images takes

/** Free disk space against the need of new nodes. */
export function checkDisk({ lab, host, here }: Facts): Finding[] {
  if (!host) return []
  const available = host.pool?.available || numberIn(here('disk'), /^\s*(\d+)$/m)
  const { path } = lab.pool
  const fresh = lab.nodes.filter(({ volume }) => !host.volumeNames.includes(volume)).length
  const wanted = fresh * perNode
  const found = `${formatSize(available)} free in ${path}, about ${formatSize(wanted)} needed for ${fresh} new disks`
  const advice = `# free some space: df -h ${path.replace(/\/[^/]*$/, '')}`
  return [wanted <= available ? ok('disk space', found) : warning('disk space', found, advice)]
}
