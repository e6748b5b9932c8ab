// EDGE. The steps that make the disks of a machine, the first and the further ones.
import { fileOf } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { diskLetters, diskXml } from '../libvirt/domain-xml.ts'
import type { Host } from '../libvirt/host.ts'
import { virsh } from '../libvirt/observe.ts'
import { chainsOf, checkUnused, foreignVolume, pathOf, type Machine } from '../libvirt/ownership.ts'
import { emptyBase, emptyXml, overlayXml } from '../libvirt/storage-xml.ts'
import { written } from '../shell/carry-out.ts'
import { sh, type Step } from '../shell/steps.ts'
import { LabError, line, script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { formatSize } from '../text/size.ts'
import { disksOf, isAttached, type Disk } from './drift.ts'

/** The steps to the disks of a machine that is not made yet; the first one is based on the volume `base`. */
export const planDisks = (lab: Lab, host: Host, machine: Machine, base: string): Step[] =>
  disksOf(machine).flatMap((disk) => planDisk(lab, host, machine, disk, base))

function planDisk(lab: Lab, host: Host, { node }: Machine, disk: Disk, base: string): Step[] {
  const { volume, found, size, extra } = disk
  const backing = extra ? emptyBase(lab) : base
  checkUnused(lab, host, volume)
  const elsewhere = attachedElsewhere(lab, host, node, volume)
  if (elsewhere) throw elsewhere
  if (!found && host.volumeNames.includes(volume)) throw foreignVolume(lab, volume)
  if (found) {
    // An interrupted run leaves a disk without a machine; it is used if it is the one that would be created now.
    const differs =
      found.capacity !== size
        ? `has ${formatSize(found.capacity)}, not ${formatSize(size)}`
        : found.backing !== pathOf(lab, backing) && 'is based on another image'
    if (!differs) return []
    throw new LabError(`its disk ${volume} is left from an earlier run and ${differs}`, {
      hint: script('destroy', node.name),
    })
  }
  const file = extra ? `${node.dir}/disk-${extra.name}.xml` : `${node.dir}/disk.xml`
  return [
    ...written(file, overlayXml(lab, { volume, size }, backing)),
    sh`${virsh(lab)} vol-create --pool ${lab.pool.name} ${file}`,
  ]
}

/** The error for a disk that another machine of the lab has; libvirt lets both have it, and both would write. */
export function attachedElsewhere(
  lab: Lab,
  host: Host,
  { name }: { name: string },
  volume: string,
): LabError | undefined {
  const path = pathOf(lab, volume)
  const other = host.domains.find((one) => one.name !== name && chainsOf(host, one).has(path))
  return (
    other &&
    new LabError(`its disk ${volume} is attached to ${other.name}`, {
      hint: line(
        commandText`${virsh(lab)} detach-disk ${other.name} ${path} --config`,
        '   # with that machine off',
      ),
    })
  )
}

/** The steps to the volume that further disks are based on, which marks them as made here. Another lab may make it meanwhile. */
export function planEmptyBase(lab: Lab, host: Host, nodes: Node[]): Step[] {
  const isNeeded = nodes.some(({ disks }) => disks.length > 0)
  if (!isNeeded || host.volumeNames.includes(emptyBase(lab))) return []
  const file = fileOf(lab, 'empty', 'xml')
  const create = commandText`${virsh(lab)} vol-create --pool ${lab.pool.name} ${file}`
  const look = commandText`${virsh(lab)} vol-info --pool ${lab.pool.name} ${emptyBase(lab)}`
  return [...written(file, emptyXml(lab)), { do: 'run', bash: `${create} || ${look}` }]
}

/** The further disks of the lab file that an existing machine does not have. */
export const missingDisks = (machine: Machine): Disk[] =>
  machine.domain ? disksOf(machine).filter((disk) => disk.extra && !isAttached(machine, disk)) : []

/** The steps that give a machine which is off its missing disks. One that is there already keeps what is on it. */
export function planAttach(lab: Lab, host: Host, machine: Machine): Step[] {
  const { name, node, domain } = machine
  const taken = domain?.targets ?? []
  const free = diskLetters.filter((letter) => !taken.includes(`vd${letter}`))
  return missingDisks(machine).flatMap((disk, index) => {
    if (!disk.extra) return []
    const file = `${node.dir}/attach-${disk.extra.name}.xml`
    return [
      ...(disk.found ? [] : planDisk(lab, host, machine, disk, emptyBase(lab))),
      ...written(file, diskXml(lab, disk.extra, free[index] ?? '').text),
      sh`${virsh(lab)} attach-device ${name} ${file} --config`,
    ]
  })
}
