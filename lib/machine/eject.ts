// EDGE. Taking the seed medium out of a machine, and what belonged to it off the host.
import { clock } from '../shell/wait.ts'
import { existsSync } from 'node:fs'
import { LabError } from '../text/errors.ts'
import type { Lab, Node } from '../lab/lab.ts'
import { virsh, type Host } from '../libvirt/observe.ts'
import { ownDomain } from '../libvirt/ownership.ts'
import { initState, ssh } from '../guest/ready.ts'
import { checkSeedIsOurs, checkUnused } from './seed.ts'
import { seedSides } from './seed-drive.ts'
import { mode, run } from '../shell/shell.ts'

/** Where the node's seed still is. */
export interface SeedPlaces {
  live: boolean
  config: boolean
  volume: boolean
  /** The private host key and the unpacked seed on this host. */
  secrets: boolean
}

/** Looks where the seed of a node still is. For a dry run a machine that does not exist counts as create leaves it. */
export function seedPlaces(lab: Lab, node: Node, host: Host): SeedPlaces {
  const domain = ownDomain(host, lab, node)
  if (!domain && mode.dryRun) return { live: true, config: true, volume: true, secrets: true }
  if (!domain)
    throw new LabError(`${node.name}: there is no such machine`, {
      hint: `npx zx scripts/create.ts ${node.name}`,
    })
  return {
    ...seedSides(lab, node, domain), // another medium, that somebody put into the drive, is not ours to take out
    volume: host.volumeNames.includes(node.seedVolume),
    secrets: existsSync(`${node.dir}/host_key`) || existsSync(`${node.dir}/seed`),
  }
}

export const isEjected = (places: SeedPlaces) => !Object.values(places).includes(true)

/** Throws unless cloud-init is done: without its seed it would do nothing at its next start. */
export async function checkInitDone(lab: Lab, node: Node, host: Host): Promise<void> {
  if (mode.dryRun) {
    await run`${ssh(lab, node)} cloud-init status --wait || test $? -eq 2`
    return
  }
  const force = `npx zx scripts/eject.ts ${node.name} --force`
  const state = ownDomain(host, lab, node)?.state
  if (state !== 'running')
    throw new LabError(`it is ${state}, so cloud-init cannot be asked whether it is done`, {
      hint: [`npx zx scripts/create.ts ${node.name}`, `# or eject all the same: ${force}`],
    })
  const init = await initState(lab, node)
  if (init.kind === 'done') return
  const why =
    init.kind === 'failed'
      ? `ended with an error: ${init.errors.join('; ')}`
      : `is not done: ${init.state}`
  throw new LabError(`cloud-init ${why}`, {
    details: ['the seed stays in until it is'],
    hint: [`npx zx scripts/create.ts ${node.name}`, `# or eject all the same: ${force}`],
  })
}

/** Ejects the seed on both sides, each by itself, then deletes the volume and the private host key. */
export async function ejectSeed(
  lab: Lab,
  node: Node,
  host: Host,
  places: SeedPlaces,
  force: boolean,
): Promise<void> {
  if (places.config) await run`${virsh(lab)} change-media ${node.name} sda --eject --config`
  if (places.live) await ejectLive(lab, node, force)
  if (places.volume) {
    checkUnused(lab, host, node.seedVolume)
    if (!places.live && !places.config) await checkSeedIsOurs(lab, node, host) // no drive tells whose it is
    await run`${virsh(lab)} vol-delete --pool ${lab.pool.name} ${node.seedVolume}`
  }
  if (places.secrets) await run`rm -rf ${node.dir}/host_key ${node.dir}/seed`
}

// The guest may hold the tray for a moment; libvirt asks it to let go and gives up after 5 s.
async function ejectLive(lab: Lab, node: Node, force: boolean): Promise<void> {
  const command = [...virsh(lab), 'change-media', node.name, 'sda', '--eject', '--live']
  if (force) command.push('--force')
  if (mode.dryRun)
    return void (await run`${command} || # the guest may hold the tray for a moment
  { sleep 1; ${command}; } ||
  { sleep 1; ${command}; }`)
  for (let tries = 3; ; tries--) {
    try {
      await run`${command}`
      return
    } catch (error) {
      const isHeld = error instanceof LabError && /tray|locked/i.test(error.message)
      if (!isHeld) throw error
      if (tries === 1)
        throw new LabError(error.message, {
          details: ['the guest does not let go of the medium'],
          hint: `npx zx scripts/eject.ts ${node.name} --force`,
          cause: error,
        })
      await clock.sleep(1000)
    }
  }
}
