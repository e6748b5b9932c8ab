// EDGE. The files that a lab has on this host, and what stays of them when it is removed.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { planKnownHosts, publicHostKey } from '../guest/keys.ts'
import { backupFolder, type Lab, type Node } from '../lab/lab.ts'
import { noLogPool } from '../libvirt/console-logs.ts'
import type { Seen } from '../libvirt/hosts.ts'
import { inOrder, sh, type Stage, type Step } from '../shell/steps.ts'
import { commandText } from '../text/quote.ts'

/** Files on this host that belong to the nodes named, or to the whole lab. */
export function labFiles(lab: Lab, named: Node[]): string[] {
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
export const leftOvers = (lab: Lab, { sites }: Seen): Stage =>
  inOrder('Logs', [
    ...sites.map((site) => noLogPool(site.lab)),
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

/** The steps that remove the lab's files, or those of the nodes named with their lines in known_hosts. */
export function removeFiles(lab: Lab, named: Node[]): Step[] {
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
