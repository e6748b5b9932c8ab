// EDGE. The steps that remove what a destroy plan lists. After an interruption the next run continues.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { planKnownHosts, publicHostKey } from '../guest/keys.ts'
import { backupFolder, type Lab, type Node } from '../lab/lab.ts'
import { logFiles, noLogPool, removeLogs } from '../libvirt/console-logs.ts'
import type { Domain } from '../libvirt/host.ts'
import { look, virsh, type Host } from '../libvirt/observe.ts'
import { tagPlace, whosePool } from '../libvirt/ownership.ts'
import { readInVolumes } from '../libvirt/volumes.ts'
import type { Shell } from '../shell/carry-out.ts'
import { forEach, inOrder, sh, type Stage, type Step } from '../shell/steps.ts'
import { commandText } from '../text/quote.ts'
import { startPool } from './create.ts'
import { destroyPlan, planText, type DestroyPlan } from './destroy-plan.ts'
import { lostWith } from './snapshot-losses.ts'
import { snapshotsOf } from './snapshot-steps.ts'

// Everything that this lab may have on the host; its pool is started for that.
async function observeAll(lab: Lab, shell: Shell): Promise<Host> {
  const first = await look(lab)
  const isOff = first.pool && !first.pool.active && whosePool(lab, first.pool) === 'ours'
  if (isOff) await shell.apply(inOrder('Storage pool', startPool(lab)))
  const { volumeNames } = isOff ? await look(lab) : first
  return look(lab, volumeNames)
}

/** What is removed of the nodes named, or of the whole lab; `about`: the same in words. */
export async function findOwn(
  lab: Lab,
  named: Node[],
  withImages: boolean,
  shell: Shell,
): Promise<{ host: Host; plan: DestroyPlan; files: string[]; about: string[] }> {
  const host = await observeAll(lab, shell)
  const seeds = host.volumeNames.filter((name) => name.endsWith('-seed.iso'))
  const tags = await readInVolumes(lab, seeds, tagPlace)
  const plan = destroyPlan(lab, named, host, tags, withImages)
  const files = labFiles(lab, named)
  const going = plan.domains.map(({ name }) => name)
  const snapshots = going.length > 0 ? lostWith(await snapshotsOf(lab, host), going) : []
  const about = planText(lab, plan, { snapshots, logs: logFiles(plan.names), files })
  return { host, plan, files, about }
}

/** The removal, from the domains to the files on this host. */
export const removal = (lab: Lab, plan: DestroyPlan, named: Node[]): Stage[] => [
  forEach('Domains', plan.domains, (domain) => removeDomain(lab, domain)),
  inOrder('Volumes', removeStorage(lab, plan)),
  inOrder('Logs', removeLogs(lab, plan.names)),
  inOrder('Files', removeFiles(lab, named)),
]

// Also removes snapshots, managed save and nvram.
function removeDomain(lab: Lab, { name, state, persistent }: Domain): Step[] {
  return [
    ...(state === 'shut off' || state === 'crashed' ? [] : [sh`${virsh(lab)} destroy ${name}`]),
    ...(persistent
      ? [
          sh`${virsh(lab)} undefine ${name} --managed-save --snapshots-metadata --checkpoints-metadata --nvram`,
        ]
      : []),
  ]
}

// Disks, seeds and base images, then the networks and the empty pool.
function removeStorage(lab: Lab, plan: DestroyPlan): Step[] {
  const pool = lab.pool.name
  return [
    ...[...plan.volumes, ...plan.images].map(
      (volume) => sh`${virsh(lab)} vol-delete --pool ${pool} ${volume}`,
    ),
    ...plan.networks.flatMap(({ name, active }) => [
      ...(active ? [sh`${virsh(lab)} net-destroy ${name}`] : []),
      sh`${virsh(lab)} net-undefine ${name}`,
    ]),
    ...(plan.pool
      ? ['pool-destroy', 'pool-delete', 'pool-undefine'].map(
          (verb) => sh`${virsh(lab)} ${verb} ${pool}`,
        )
      : []),
  ]
}

// Files on this host that belong to the nodes named, or to the whole lab.
function labFiles(lab: Lab, named: Node[]): string[] {
  const paths = named.length === 0 ? [lab.dir] : named.map(({ dir }) => dir)
  return paths.filter((path) => existsSync(path) && !onlyLock(path, keptBackups(lab)))
}

/** The folder of the lab's backups, which stays, if there are any. */
export function keptBackups(lab: Lab): string[] {
  const folder = backupFolder(lab)
  const isBackup = (name: string) => name.endsWith('.tar')
  return existsSync(folder) && readdirSync(folder).some(isBackup) ? [folder] : []
}

const onlyLock = (path: string, besides: string[] = []) =>
  readdirSync(path).every((name) => name === 'lock' || besides.includes(`${path}/${name}`))

/** What killed runs may have left where nothing else is: the pool of the logs, and a folder with nothing but a lock. */
export const leftOvers = (lab: Lab): Stage =>
  inOrder('Logs', [
    noLogPool(lab),
    {
      do: 'check',
      bash: commandText`if [ "$(ls -A ${lab.dir} 2>/dev/null)" = lock ]; then
  rm -r ${lab.dir}
  rmdir --ignore-fail-on-non-empty ${dirname(lab.dir)}
fi`,
      holds: async () => forgetFolder(lab),
    },
  ])

function forgetFolder(lab: Lab): void {
  if (!existsSync(lab.dir) || !onlyLock(lab.dir)) return
  rmSync(lab.dir, { recursive: true })
  if (readdirSync(dirname(lab.dir)).length === 0) rmSync(dirname(lab.dir), { recursive: true })
}

// The lab's files, or those of the nodes named with their lines in known_hosts.
function removeFiles(lab: Lab, named: Node[]): Step[] {
  const kept = keptBackups(lab)
  if (named.length === 0 && kept.length > 0) {
    const all = readdirSync(lab.dir)
      .sort()
      .map((name) => `${lab.dir}/${name}`)
    return [sh`rm -rf ${[...all.filter((path) => !kept.includes(path)), `${kept[0]}/part`]}`]
  }
  if (named.length === 0)
    return [sh`rm -rf ${lab.dir}`, sh`rmdir --ignore-fail-on-non-empty ${dirname(lab.dir)}`]
  const others = lab.nodes.filter(
    (node) => !named.includes(node) && existsSync(publicHostKey(node)),
  )
  return [sh`rm -rf ${named.map(({ dir }) => dir)}`, ...planKnownHosts(lab, others)]
}
