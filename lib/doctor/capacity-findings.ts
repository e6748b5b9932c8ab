// PURE. Whether memory and disk space are enough for the machines that are not there yet.
import { ok, warning, type Finding } from './findings.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Host } from '../libvirt/observe.ts'
import { formatSize } from '../text/size.ts'

/** Judges free memory (bytes) against what the machines that do not run yet will take. */
export function memoryFinding(lab: Lab, nodes: Node[], host: Host, available: number): Finding {
  const own = host.domains.filter(({ owner }) => owner?.lab === lab.name)
  const running = new Set(own.filter(({ state }) => state === 'running').map(({ name }) => name))
  const wanted = nodes
    .filter(({ name }) => !running.has(name))
    .reduce((sum, { memory }) => sum + memory, 0)
  const text = `${formatSize(available)} free, ${formatSize(wanted)} wanted`
  return wanted <= available
    ? ok('memory', text)
    : warning(
        'memory',
        text,
        '# give the nodes less memory in the lab file, or stop other programs',
      )
}

const perNode = 6 * 2 ** 30 // what a node with RKE2 and its images takes at least, roughly

/** Judges free disk space (bytes) against what new nodes will need. */
export function diskFinding(lab: Lab, host: Host, available: number): Finding {
  const fresh = lab.nodes.filter(({ volume }) => !host.volumeNames.includes(volume))
  const wanted = fresh.length * perNode
  const text = `${formatSize(available)} free in ${lab.pool.path}, about ${formatSize(wanted)} wanted for ${fresh.length} new disks`
  if (wanted <= available) return ok('disk space', text)
  return warning(
    'disk space',
    text,
    `# free some space: df -h ${lab.pool.path.replace(/\/[^/]*$/, '')}`,
  )
}
