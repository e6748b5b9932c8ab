// EDGE. The steps that eject the seed medium of a machine and delete its files on the host.
import { existsSync } from 'node:fs'
import { initEnded, initFine, initOff } from '../guest/cloud-init-status.ts'
import { hostKey } from '../guest/keys.ts'
import { onNode } from '../guest/on-node.ts'
import { askInit } from '../guest/ready.ts'
import { commandOn } from '../guest/ssh.ts'
import { labAt } from '../lab/hosts.ts'
import type { Lab, Node } from '../lab/lab.ts'
import type { Seen, Site } from '../libvirt/hosts.ts'
import { virsh } from '../libvirt/observe.ts'
import { checkUnused, type Machine } from '../libvirt/ownership.ts'
import { sh, type Check, type Run, type Step } from '../shell/steps.ts'
import { LabError, line, script, type Hint } from '../text/errors.ts'
import { commandText } from '../text/quote.ts'
import { checkSeedsAreOurs, deleteSeed } from './seed.ts'
import { seedSides } from './seed-drive.ts'

/** A machine, and where its seed still is. */
export interface Seeded {
  name: string
  machine: Machine
  live: boolean
  config: boolean
  volume: boolean
  /** The private host key and the unpacked seed on this host. */
  secrets: boolean
}

/** Finds where the seed of each machine still is; a missing machine counts as just created. */
export async function findSeeds({ sites }: Seen, machines: Machine[]): Promise<Seeded[]> {
  const all = sites.map((site) => {
    const own = machines.filter(({ node }) => site.lab.nodes.includes(node))
    return findSeedsAt(site, own)
  })
  return (await Promise.all(all)).flat()
}

async function findSeedsAt({ lab, host }: Site, machines: Machine[]): Promise<Seeded[]> {
  const found = machines.map((machine): Seeded => {
    const { name, node, domain } = machine
    if (!domain) return { name, machine, live: true, config: true, volume: true, secrets: true }
    return {
      name,
      machine,
      ...seedSides(lab, node, domain), // any other medium in the drive is not ours to eject
      volume: host.volumeNames.includes(node.seedVolume),
      secrets: existsSync(hostKey(node)) || existsSync(`${node.dir}/seed`),
    }
  })
  for (const { machine, volume } of found)
    if (machine.domain && volume) checkUnused(lab, host, machine.node.seedVolume)
  const loose = found.filter(
    ({ machine, volume, live, config }) => machine.domain && volume && !live && !config,
  )
  const nodes = loose.map(({ machine }) => machine.node) // no drive shows whose the volume is
  await checkSeedsAreOurs(lab, nodes, host)
  return found.filter((one) => one.live || one.config || one.volume || one.secrets)
}

/** What must hold before a seed is ejected: cloud-init could not continue without it. */
export function planQuestion(all: Lab, { machine }: Seeded, force: boolean): Check[] {
  const { node, domain } = machine
  const lab = labAt(all, node)
  if (!force) return [initDone(machine)]
  return domain
    ? []
    : [{ ...initDone(machine), bash: commandText`${virsh(lab)} dominfo ${node.name}` }]
}

const doneScript = `${initEnded} && { ${initFine}; }`

const initDone = (machine: Machine): Check => ({
  do: 'check',
  bash: commandOn(machine.node, doneScript),
  holds: () => checkInitDone(machine),
})

async function checkInitDone({ node, domain }: Machine): Promise<void> {
  if (!domain) throw new LabError('there is no such machine', { hint: script('create', node.name) })
  const hint: Hint[] = [
    script('create', node.name),
    line('# or eject anyway: ', script('eject', node.name, '--force')),
  ]
  if (domain.state !== 'running')
    throw new LabError(`it is ${domain.state}, so cloud-init cannot report whether it is done`, {
      hint,
    })
  const { init } = await askInit(node)
  if (init.kind === 'done') return
  const details = ['the seed stays in until cloud-init is done']
  if (init.kind === 'failed')
    throw new LabError(`cloud-init ended with an error: ${init.errors.join('; ')}`, {
      details,
      hint,
    })
  const state = init.kind === 'busy' ? init.state : init.trouble.state
  throw new LabError(`cloud-init is not done: ${state}`, { details, hint })
}

/** The steps that switch cloud-init off, eject the seed live and persistently, and delete the volume and the private host key. */
export function planEject(all: Lab, seeded: Seeded, force: boolean): Step[] {
  const { node } = seeded.machine
  const lab = labAt(all, node)
  return [
    ...(seeded.config || seeded.live ? [switchOff(node, force)] : []),
    ...(seeded.config ? [sh`${virsh(lab)} change-media ${node.name} sda --eject --config`] : []),
    ...(seeded.live ? [ejectLive(lab, node.name, force)] : []),
    ...(seeded.volume ? [deleteSeed(lab, node)] : []),
    ...(seeded.secrets ? [sh`rm -rf ${hostKey(node)} ${node.dir}/seed`] : []),
  ]
}

// By force only where cloud-init is done: otherwise it still has to run, or nobody can ask it.
const switchOff = (node: Node, force: boolean): Run =>
  force
    ? onNode(node, `${doneScript} && ${initOff}`, {
        root: true,
        orWarn: `${node.name}: cloud-init was not switched off in it. Without its seed, an image that trusts only NoCloud may lose its network and its keys at its next start`,
      })
    : onNode(node, initOff, { root: true })

const held = /tray|locked/i

// The guest may lock the tray for a moment; libvirt asks it to open it and gives up after 5 s.
function ejectLive(lab: Lab, name: string, force: boolean): Run {
  const sides = ['--live', ...(force ? ['--force'] : [])]
  return {
    ...sh`${virsh(lab)} change-media ${name} sda --eject ${sides}`,
    tries: 3,
    triesAfter: held,
    explain: (error) =>
      held.test(error.failed.stderr)
        ? new LabError(error.message, {
            details: ['the guest does not release the medium'],
            hint: script('eject', name, '--force'),
            cause: error,
          })
        : error,
  }
}
