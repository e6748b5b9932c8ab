// PURE. Whether memory, disk space and an image are there for the machines that are not made yet.
import { failure, fromError, ok, warning, type Finding } from '../text/findings.ts'
import { formatSize } from '../text/size.ts'
import { numberIn, type AllFacts, type Facts } from './facts.ts'

/** Free memory against what the machines that do not run yet will take. */
export function checkMemory({ lab, nodes, host, here }: Facts): Finding[] {
  if (!host) return []
  const available = numberIn(here('memory'), /^MemAvailable:\s+(\d+) kB/m) * 1024
  const own = host.domains.filter(({ owner }) => owner?.lab === lab.name)
  const running = new Set(own.filter(({ state }) => state === 'running').map(({ name }) => name))
  const idle = nodes.filter(({ name }) => !running.has(name))
  const wanted = idle.reduce((sum, { memory }) => sum + memory, 0)
  const found = `${formatSize(available)} free, ${formatSize(wanted)} wanted`
  const advice = '# give the nodes less memory in the lab file, or stop other programs'
  return [wanted <= available ? ok('memory', found) : warning('memory', found, advice)]
}

const perNode = 6 * 2 ** 30 // what a node with RKE2 and its images takes at least, roughly

/** Free disk space against what new nodes will need. */
export function checkDisk({ lab, host, here }: Facts): Finding[] {
  if (!host) return []
  const available = host.pool?.available || numberIn(here('disk'), /^\s*(\d+)$/m)
  const { path } = lab.pool
  const fresh = lab.nodes.filter(({ volume }) => !host.volumeNames.includes(volume)).length
  const wanted = fresh * perNode
  const found = `${formatSize(available)} free in ${path}, about ${formatSize(wanted)} wanted for ${fresh} new disks`
  const advice = `# free some space: df -h ${path.replace(/\/[^/]*$/, '')}`
  return [wanted <= available ? ok('disk space', found) : warning('disk space', found, advice)]
}

/** The image: at hand, or its publisher reachable. */
export function checkImage({ image }: AllFacts): Finding[] {
  if (image === 'not needed') return [ok('image', 'not needed: every machine is made')]
  if ('file' in image) return [ok('image', `${image.file} is at hand`)]
  if ('error' in image) return [fromError('image', image.error)]
  const { url, obstacle } = image
  if (!obstacle) return [ok('image', `${url} can be had`)]
  const advice = '# fix image.url in the lab file, or the way to the internet'
  return [(obstacle.sure ? failure : warning)('image', `${url}: ${obstacle.why}`, advice)]
}
