// EDGE. The steps that give existing machines the vcpus, memory and disk of the lab file.
import { cannotGrow, growRoot, lookAtRoot } from '../guest/root-disk.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { virsh } from '../libvirt/observe.ts'
import { pathOf, type Machine } from '../libvirt/ownership.ts'
import { eachOf } from '../shell/carry-out.ts'
import { sh, type Step } from '../shell/steps.ts'
import { LabError, line, NodeErrors, script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { formatSize } from '../text/size.ts'
import { planStart } from './create.ts'

/** The machine must be off for its change. */
export const mustBeOff = ({ node, domain }: Machine): boolean =>
  domain !== undefined && (domain.vcpus !== node.vcpus || domain.memory !== node.memory)

/** Its disk has another size than in the lab file. */
export const growsDisk = ({ node, disk }: Machine): boolean =>
  disk !== undefined && disk.capacity !== node.disk

/** Throws where a disk would shrink, or is not the one that the machine uses now. */
export function checkDisks(lab: Lab, machines: Machine[]): void {
  const errors = machines.filter(growsDisk).flatMap((one) => diskTrouble(lab, one) ?? [])
  if (errors.length > 0) throw errors.length > 1 ? new NodeErrors(errors) : errors[0]
}

function diskTrouble(lab: Lab, { name, node, domain, disk }: Machine): LabError | undefined {
  if (!disk) return undefined
  if (disk.capacity > node.disk) {
    const found = formatSize(disk.capacity)
    return new LabError(
      `${name}: its disk has ${found}, the lab file says ${formatSize(node.disk)}; a disk cannot shrink`,
      {
        hint: [
          `# put disk: ${found.replace(' ', '')} back into the lab file, or recreate the machine:`,
          line(script('destroy', name), ' && ', script('create', name)),
        ],
      },
    )
  }
  if (domain?.files.includes(pathOf(lab, node.volume))) return undefined
  return new LabError(`${name}: it does not use its disk ${node.volume} itself now`, {
    details: ['perhaps there is an external snapshot; such a disk is not resized'],
    hint: commandText`${virsh(lab)} snapshot-list ${name} --tree`,
  })
}

/** The steps for a machine that is off. Memory and vcpus have a maximum, which goes first; a lower one lowers both. */
export function planSizes(lab: Lab, machine: Machine): Step[] {
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
    ...(growsDisk(machine)
      ? [sh`${virsh(lab)} vol-resize --pool ${lab.pool.name} ${node.volume} ${node.disk}B`]
      : []),
  ]
}

/** The steps that switch a machine on that was switched off. */
export const planOn = (lab: Lab, { domain, ...machine }: Machine): Step[] =>
  planStart(lab, { ...machine, ...(domain && { domain: { ...domain, state: 'shut off' } }) })

/** Of machines that are on, those whose disk or file system is to grow. */
export async function unfilled(machines: Machine[]): Promise<Machine[]> {
  const found = await eachOf(machines, async (machine) => {
    const { grows, why } = await lookAtRoot(machine.node)
    if (growsDisk(machine) && why) throw cannotGrow(machine.node, why)
    return grows || growsDisk(machine) ? [machine] : []
  })
  return found.flat()
}

/** The steps that grow the disk of a machine that is on, and its file system. blockresize shrinks without asking, so the size is
 *  compared first. */
export function planGrowth(lab: Lab, machine: Machine): Step[] {
  const { name, node } = machine
  const size = `${commandText`${virsh(lab)} domblkinfo ${name} vda`} | sed -n 's/^Capacity: *//p'`
  const grow = commandText`${virsh(lab)} blockresize ${name} vda ${node.disk}B`
  const bash = `test "$(${size})" -le ${node.disk} || { echo "the disk of ${name} is larger by now" >&2; false; }\n${grow}`
  return [...(growsDisk(machine) ? [{ do: 'run', bash } as const] : []), growRoot(node, true)]
}

/** The nodes that get more memory, and by how much all disks grow. */
export function needsOf(machines: Machine[]): { nodes: Node[]; growth: number } {
  const larger = machines.filter(({ node, domain }) => domain && domain.memory < node.memory)
  const growth = machines.map(({ node, disk }) => (disk ? node.disk - disk.capacity : 0))
  return {
    nodes: larger.map(({ node }) => node),
    growth: growth.reduce((sum, one) => sum + one, 0),
  }
}
