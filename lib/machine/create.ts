// EDGE. Making pool, network, disks and domains so; each looks first and changes only what is missing.
import { domainXml } from '../libvirt/domain-xml.ts'
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { virsh, type Host } from '../libvirt/observe.ts'
import { observePool } from '../libvirt/volumes.ts'
import {
  checkNetwork,
  checkPool,
  checkUnused,
  findVolume,
  foreignVolume,
  isOverlay,
  ownDomain,
} from '../libvirt/ownership.ts'
import type { Domain, Volume } from '../libvirt/host.ts'
import { quote } from '../text/quote.ts'
import { mode, query, run, write } from '../shell/shell.ts'
import { formatSize } from '../text/size.ts'
import { netmask, networkXml, overlayXml, poolXml } from '../libvirt/storage-xml.ts'

/** The storage pool, active. Returns the host as it is then, with details of `more` volumes. */
export async function ensurePool(lab: Lab, host: Host, more: string[] = []): Promise<Host> {
  checkPool(host, lab)
  if (host.pool?.active) return more.length > 0 ? observePool(lab, host, more) : host
  const { name } = lab.pool
  if (host.pool && mode.dryRun)
    throw new LabError(`the storage pool ${name} is off, so its volumes cannot be seen`, {
      details: ['a dry run does not start it'],
      hint: `virsh -c ${quote(lab.libvirt)} pool-start ${name}`,
    })
  if (!host.pool) {
    write(`${lab.dir}/pool.xml`, poolXml(lab))
    await run`${virsh(lab)} pool-define --validate ${lab.dir}/pool.xml`
  }
  await run`${virsh(lab)} pool-autostart ${name}`
  await run`${virsh(lab)} pool-start --build ${name}`
  return observePool(lab, host, more)
}

/** The NAT network, active, when the lab has one. */
export async function ensureNetwork(lab: Lab, host: Host): Promise<void> {
  const { nat, gateway } = lab.network
  if (nat === undefined) return
  checkNetwork(host, lab)
  const there = host.network
  const isAsWanted = there?.address === gateway && there.netmask === netmask(lab)
  if (there?.active && isAsWanted) return
  if (there?.active)
    throw new LabError(
      `the network ${nat} is ${there.address}/${there.netmask}, the lab file says ${gateway}/${netmask(lab)}`,
      {
        details: ['machines of this lab may be in it, so it is left as it is'],
        hint: [
          'npx zx scripts/destroy.ts && npx zx scripts/create.ts   # makes it anew, with all machines',
          '# or put cidr and gateway back into the lab file',
        ],
      },
    )
  if (!isAsWanted) {
    write(`${lab.dir}/network.xml`, networkXml(lab))
    await run`${virsh(lab)} net-define --validate ${lab.dir}/network.xml`
  }
  await run`${virsh(lab)} net-autostart ${nat}`
  await run`${virsh(lab)} net-start ${nat}`
}

export interface Parts {
  /** Name of the base volume. */
  base: string
  type: 'kvm' | 'qemu'
}

/** The node's domain, running; its seed must be in the pool. What exists is kept; a half-made node is finished. */
export async function ensureMachine(lab: Lab, node: Node, host: Host, parts: Parts): Promise<void> {
  const domain = ownDomain(host, lab, node)
  if (domain) return ensureRunning(lab, node, domain)
  await ensureDisk(lab, node, host, parts.base)
  const file = `${node.dir}/domain.xml`
  write(file, domainXml(lab, node, parts.type))
  await run`${virsh(lab)} define --validate ${file}`
  try {
    await run`${virsh(lab)} start ${node.name}`
  } catch (error) {
    const { stdout } = await query`${virsh(lab)} domstate ${node.name}`
    if (!(error instanceof LabError) || stdout.trim() !== 'shut off') throw error
    // So that the next run makes the machine as the lab file says then.
    await run`${virsh(lab)} undefine ${node.name}`.catch(() => {}) // what it says would hide why it did not start
    throw new LabError(error.message, {
      details: [...error.details, 'it never ran, so its definition was taken back'],
      hint: `npx zx scripts/create.ts ${node.name}   # when that is mended`,
      cause: error,
    })
  }
}

/** Starts the node's domain, which exists, unless it runs. */
export async function ensureStarted(lab: Lab, node: Node, host: Host): Promise<void> {
  const domain = ownDomain(host, lab, node)
  if (domain) await ensureRunning(lab, node, domain)
}

async function ensureDisk(lab: Lab, node: Node, host: Host, base: string): Promise<void> {
  checkUnused(lab, host, node.volume)
  const disk = findVolume(host, node.volume)
  if (disk) return checkLeftDisk(lab, node, disk, base)
  write(`${node.dir}/disk.xml`, overlayXml(lab, node, base))
  await run`${virsh(lab)} vol-create --pool ${lab.pool.name} ${node.dir}/disk.xml`
}

// A run that was cut off leaves a disk without a machine; it is used if it is the one that would be made now.
function checkLeftDisk(lab: Lab, node: Node, disk: Volume, base: string): void {
  if (!isOverlay(disk, lab)) throw foreignVolume(lab, node.volume)
  const differs =
    disk.capacity !== node.disk
      ? `has ${formatSize(disk.capacity)}, not ${formatSize(node.disk)}`
      : disk.backing !== `${lab.pool.path}/${base}` && 'grows on another image'
  if (differs)
    throw new LabError(`its disk ${node.volume} is left from an earlier run and ${differs}`, {
      hint: `npx zx scripts/destroy.ts ${node.name}`,
    })
}

async function ensureRunning(lab: Lab, node: Node, { state }: Domain): Promise<void> {
  if (state === 'running') return
  if (state === 'paused') return void (await run`${virsh(lab)} resume ${node.name}`)
  if (state === 'pmsuspended') return void (await run`${virsh(lab)} dompmwakeup ${node.name}`)
  if (state === 'shut off' || state === 'crashed')
    return void (await run`${virsh(lab)} start ${node.name}`)
  throw new LabError(`it is "${state}"`, { hint: 'wait a moment, then run this again' })
}
