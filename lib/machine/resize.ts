// EDGE. The steps that give existing machines the vcpus, memory and disk of the lab file.
import { cannotGrow, growMounts, growRoot, lookAtRoot } from '../guest/root-disk.ts'
import { labAt } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Volume } from '../libvirt/host.ts'
import { siteOf, type Seen, type Site } from '../libvirt/hosts.ts'
import { virsh } from '../libvirt/observe.ts'
import { foreignVolume, pathOf, type Machine } from '../libvirt/ownership.ts'
import { eachOf } from '../shell/carry-out.ts'
import { sh, type Step } from '../shell/steps.ts'
import { LabError, line, named, NodeErrors, script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { formatSize } from '../text/size.ts'
import { planStart } from './create.ts'
import { attachedElsewhere, missingDisks, planAttach } from './disks.ts'
import { disksOf, isAttached, type Disk } from './drift.ts'

/** The machine must be off for its change. */
export const mustBeOff = (machine: Machine): boolean => {
  const { node, domain } = machine
  const isOther = domain && (domain.vcpus !== node.vcpus || domain.memory !== node.memory)
  return isOther === true || missingDisks(machine).length > 0
}

/** The disks that have another size than in the lab file. */
const growing = (machine: Machine): (Disk & { found: Volume })[] =>
  disksOf(machine).flatMap((disk) => {
    const { found, size } = disk
    return found && found.capacity !== size ? [{ ...disk, found }] : []
  })

/** A disk of it has another size than in the lab file. */
export const growsDisk = (machine: Machine): boolean => growing(machine).length > 0

/** Its first disk has. */
export const growsRoot = (machine: Machine): boolean => growing(machine).some(({ extra }) => !extra)

/** Throws where a disk would shrink, or is not the one that the machine uses now. */
export function checkDisks(seen: Seen, machines: Machine[]): void {
  const errors = machines.flatMap((one) => {
    const { lab, host } = siteOf(seen, one.node)
    return [
      ...growing(one).flatMap((disk) => diskTrouble(lab, one, disk, disk.found.capacity) ?? []),
      ...missingDisks(one).flatMap(({ volume, found }) => {
        const isTaken = !found && host.volumeNames.includes(volume)
        const trouble = isTaken
          ? foreignVolume(lab, volume)
          : attachedElsewhere(lab, host, one, volume)
        return trouble ? named(one.name, trouble) : []
      }),
    ]
  })
  if (errors.length > 0) throw errors.length > 1 ? new NodeErrors(errors) : errors[0]
}

function diskTrouble(
  lab: Lab,
  machine: Machine,
  disk: Disk,
  capacity: number,
): LabError | undefined {
  const { name, domain } = machine
  const { what, size, volume, extra } = disk
  if (capacity > size) {
    const found = formatSize(capacity)
    const key = extra ? `size: ${found.replace(' ', '')}` : `disk: ${found.replace(' ', '')}`
    return new LabError(
      `${name}: its ${what} has ${found}, the lab file says ${formatSize(size)}; a disk cannot shrink`,
      {
        hint: [
          `# put ${key} back into the lab file, or recreate the machine:`,
          line(script('destroy', name), ' && ', script('create', name)),
        ],
      },
    )
  }
  const isApart = extra && !isAttached(machine, disk)
  if (isApart || domain?.files.includes(pathOf(lab, volume))) return undefined
  return new LabError(`${name}: it does not use its disk ${volume} itself now`, {
    details: ['perhaps there is an external snapshot; such a disk is not resized'],
    hint: commandText`${virsh(lab)} snapshot-list ${name} --tree`,
  })
}

/** The steps for a machine that is off. Memory and vcpus have a maximum, which goes first; a lower one lowers both. */
export function planSizes({ lab, host }: Site, machine: Machine): Step[] {
  const { name, node, domain } = machine
  const size = `${node.memory / 2 ** 20}MiB`
  return [
    ...(domain?.vcpus !== node.vcpus
      ? [
          sh`${virsh(lab)} setvcpus ${name} ${node.vcpus} --config --maximum`,
          sh`${virsh(lab)} setvcpus ${name} ${node.vcpus} --config`,
        ]
      : []),
    ...(domain?.memory !== node.memory
      ? [
          sh`${virsh(lab)} setmaxmem ${name} ${size} --config`,
          sh`${virsh(lab)} setmem ${name} ${size} --config`,
        ]
      : []),
    ...growing(machine).map(
      ({ volume, size }) => sh`${virsh(lab)} vol-resize --pool ${lab.pool.name} ${volume} ${size}B`,
    ),
    ...planAttach(lab, host, machine),
  ]
}

/** The steps that switch a machine on that was switched off. */
export const planOn = (lab: Lab, { domain, ...machine }: Machine): Step[] =>
  planStart(lab, { ...machine, ...(domain && { domain: { ...domain, state: 'shut off' } }) })

/** Of machines that are on, those whose disk or file system is to grow. */
export async function unfilled(machines: Machine[]): Promise<Machine[]> {
  const found = await eachOf(machines, async (machine) => {
    const { grows, why, mounts } = await lookAtRoot(machine.node)
    if (growsRoot(machine) && why) throw cannotGrow(machine.node, why)
    return grows || mounts || growsDisk(machine) ? [machine] : []
  })
  return found.flat()
}

/** The steps that grow the disks of a machine that is on, and its file systems. blockresize shrinks without asking, so the size is
 *  compared first. */
export function planGrowth(all: Lab, machine: Machine): Step[] {
  const { name, node } = machine
  const lab = labAt(all, node)
  const steps = growing(machine).map(({ what, size, found, extra }): Step => {
    const at = extra ? found.path : 'vda'
    const now = `${commandText`${virsh(lab)} domblkinfo ${name} ${at}`} | sed -n 's/^Capacity: *//p'`
    const grow = commandText`${virsh(lab)} blockresize ${name} ${at} ${size}B`
    const larger = `the ${what} of ${name} is larger by now`
    const bash = `test "$(${now})" -le ${size} || { echo "${larger}" >&2; false; }\n${grow}`
    return { do: 'run', bash }
  })
  return [...steps, growRoot(node, growsRoot(machine)), ...growMounts(node)]
}

/** The nodes that get more memory, and by how much all disks grow. */
export function needsOf(machines: Machine[]): { nodes: Node[]; growth: number } {
  const larger = machines.filter(({ node, domain }) => domain && domain.memory < node.memory)
  const grown = machines.flatMap(growing).map(({ size, found }) => size - found.capacity)
  const added = machines.flatMap(missingDisks).map(({ size, found }) => (found ? 0 : size))
  return {
    nodes: larger.map(({ node }) => node),
    growth: [...grown, ...added].reduce((sum, one) => sum + one, 0),
  }
}
