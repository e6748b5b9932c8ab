// EDGE. Removing what a destroy plan lists. Each step may be cut off; the next run goes on.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DestroyPlan } from './destroy-plan.ts'
import { writeKnownHosts } from './seed.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { virsh } from '../libvirt/observe.ts'
import type { Domain } from '../libvirt/host.ts'
import { run } from '../shell/shell.ts'

/** Stops a domain and removes its definition with snapshots, managed save and nvram. */
export async function removeDomain(lab: Lab, { name, state, persistent }: Domain): Promise<void> {
  if (state !== 'shut off' && state !== 'crashed') await run`${virsh(lab)} destroy ${name}`
  if (persistent)
    await run`${virsh(lab)} undefine ${name} --managed-save --snapshots-metadata --checkpoints-metadata --nvram`
}

/** Deletes disks, seeds and base images, then the networks and the empty pool. */
export async function removeStorage(lab: Lab, plan: DestroyPlan): Promise<void> {
  const { name } = lab.pool
  for (const volume of [...plan.volumes, ...plan.images])
    await run`${virsh(lab)} vol-delete --pool ${name} ${volume}`
  for (const { name, active } of plan.networks) {
    if (active) await run`${virsh(lab)} net-destroy ${name}`
    await run`${virsh(lab)} net-undefine ${name}`
  }
  if (plan.pool) {
    await run`${virsh(lab)} pool-destroy ${name}`
    await run`${virsh(lab)} pool-delete ${name}`
    await run`${virsh(lab)} pool-undefine ${name}`
  }
}

/** Files on this host that go with the nodes named, or with the whole lab. */
export function labFiles(lab: Lab, named: Node[]): string[] {
  const paths = named.length === 0 ? [lab.dir] : named.map(({ dir }) => dir)
  return paths.filter((path) => existsSync(path) && !onlyLock(path))
}

const onlyLock = (path: string) => readdirSync(path).every((name) => name === 'lock')

/** Deletes a lab folder that this run itself made for its lock. */
export function forgetFolder(lab: Lab): void {
  if (!existsSync(lab.dir) || !onlyLock(lab.dir)) return
  rmSync(lab.dir, { recursive: true })
  if (readdirSync(dirname(lab.dir)).length === 0) rmSync(dirname(lab.dir), { recursive: true })
}

/** Deletes the lab's files, or those of the nodes named, whose host keys are then forgotten. */
export async function removeFiles(lab: Lab, named: Node[]): Promise<void> {
  const paths = named.length === 0 ? [lab.dir] : named.map(({ dir }) => dir)
  await run`rm -rf ${paths}`
  if (named.length === 0)
    return void (await run`rmdir --ignore-fail-on-non-empty ${dirname(lab.dir)}`)
  await writeKnownHosts(
    lab,
    lab.nodes.filter((node) => !named.includes(node) && existsSync(`${node.dir}/host_key.pub`)),
  )
}
