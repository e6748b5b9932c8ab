// EDGE. The steps that make pool, network, disks and domains; what is there already is left as it is.
import type { Lab, Node } from '../lab/lab.ts'
import { domainXml } from '../libvirt/domain-xml.ts'
import { observe, virsh, type Host } from '../libvirt/observe.ts'
import {
  checkNetwork,
  checkPool,
  checkUnused,
  foreignVolume,
  type Machine,
} from '../libvirt/ownership.ts'
import { netmask, networkXml, overlayXml, poolXml } from '../libvirt/storage-xml.ts'
import { written, type Shell } from '../shell/carry-out.ts'
import { inOrder, sh, type Step } from '../shell/steps.ts'
import { LabError, line, script } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { formatSize } from '../text/size.ts'

/** Makes the pool and starts it, where that is not so yet. Returns the host as it is then, with details of `more` volumes. */
export async function withPool(
  lab: Lab,
  host: Host,
  shell: Shell,
  more: string[] = [],
): Promise<Host> {
  checkPool(host, lab)
  const steps = host.pool?.active ? [] : planPool(lab, host)
  if (steps.length > 0) await shell.apply(inOrder('Storage pool', steps))
  const seen = steps.length + more.length > 0 ? await observe(lab, more) : host
  if (!seen.pool || seen.pool.active) return seen
  throw new LabError(`the storage pool ${lab.pool.name} is off, so its volumes cannot be seen`, {
    hint: commandText`${virsh(lab)} pool-start ${lab.pool.name}`,
  })
}

function planPool(lab: Lab, host: Host): Step[] {
  if (host.pool) return startPool(lab)
  const file = `${lab.dir}/pool.xml`
  return [
    ...written(file, poolXml(lab)),
    sh`${virsh(lab)} pool-define --validate ${file}`,
    ...startPool(lab),
  ]
}

/** The steps that start a pool which is there. */
export const startPool = (lab: Lab): Step[] => [
  sh`${virsh(lab)} pool-autostart ${lab.pool.name}`,
  sh`${virsh(lab)} pool-start --build ${lab.pool.name}`,
]

/** The steps to the NAT network, active, when the lab has one. */
export function planNetwork(lab: Lab, host: Host): Step[] {
  const { nat, gateway } = lab.network
  if (nat === undefined) return []
  checkNetwork(host, lab)
  const there = host.network
  const isAsWanted = there?.address === gateway && there.netmask === netmask(lab)
  if (there?.active && isAsWanted) return []
  if (there?.active)
    throw new LabError(
      `the network ${nat} is ${there.address}/${there.netmask}, the lab file says ${gateway}/${netmask(lab)}`,
      {
        details: ['machines of this lab may be in it, so it is left as it is'],
        hint: [
          line(
            script('destroy'),
            ' && ',
            script('create'),
            '   # makes it again, with all machines',
          ),
          '# or put cidr and gateway back into the lab file',
        ],
      },
    )
  const file = `${lab.dir}/network.xml`
  return [
    ...(isAsWanted
      ? []
      : [...written(file, networkXml(lab)), sh`${virsh(lab)} net-define --validate ${file}`]),
    sh`${virsh(lab)} net-autostart ${nat}`,
    sh`${virsh(lab)} net-start ${nat}`,
  ]
}

export interface Parts {
  /** Name of the base volume. */
  base: string
  type: 'kvm' | 'qemu'
}

/** The steps to the node's domain, running; its seed must be in the pool. A half-made node is finished. */
export function planMachine(lab: Lab, host: Host, machine: Machine, parts: Parts): Step[] {
  const { node, domain } = machine
  if (domain) return planStart(lab, machine)
  const file = `${node.dir}/domain.xml`
  return [
    ...planDisk(lab, host, machine, parts.base),
    ...written(file, domainXml(lab, node, parts.type)),
    sh`${virsh(lab)} define --validate ${file}`,
    firstStart(lab, node),
  ]
}

// A domain that never ran is undefined, so that the next run makes the machine as the lab file says then.
function firstStart(lab: Lab, { name }: Node): Step {
  const state = commandText`${virsh(lab)} -q domstate ${name}`
  return {
    ...sh`${virsh(lab)} start ${name}`,
    undo: `test "$(${state})" = 'shut off' && ${commandText`${virsh(lab)} undefine ${name}`} >/dev/null`,
    explain: (cause, undone) =>
      undone
        ? new LabError(cause.message, {
            details: [...cause.details, 'it never ran, so its definition was removed'],
            hint: line(script('create', name), '   # when that is fixed'),
            cause,
          })
        : cause,
  }
}

function planDisk(lab: Lab, host: Host, { node, disk }: Machine, base: string): Step[] {
  checkUnused(lab, host, node.volume)
  if (!disk && host.volumeNames.includes(node.volume)) throw foreignVolume(lab, node.volume)
  if (disk) {
    // A run that was cut off leaves a disk without a machine; it is used if it is the one that would be made now.
    const differs =
      disk.capacity !== node.disk
        ? `has ${formatSize(disk.capacity)}, not ${formatSize(node.disk)}`
        : disk.backing !== `${lab.pool.path}/${base}` && 'grows on another image'
    if (!differs) return []
    throw new LabError(`its disk ${node.volume} is left from an earlier run and ${differs}`, {
      hint: script('destroy', node.name),
    })
  }
  const file = `${node.dir}/disk.xml`
  return [
    ...written(file, overlayXml(lab, node, base)),
    sh`${virsh(lab)} vol-create --pool ${lab.pool.name} ${file}`,
  ]
}

/** The step that brings a machine's domain to run; none where it runs. */
export function planStart(lab: Lab, { name, domain }: Machine): Step[] {
  const state = domain?.state ?? 'absent'
  if (state === 'running') return []
  const verbs: Record<string, string> = {
    paused: 'resume',
    pmsuspended: 'dompmwakeup',
    'shut off': 'start',
    crashed: 'start',
  }
  const verb = verbs[state]
  if (verb) return [sh`${virsh(lab)} ${verb} ${name}`]
  throw new LabError(`it is "${state}"`, { hint: 'wait a moment, then run this again' })
}
