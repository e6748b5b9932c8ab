// EDGE. The backups on this host.
import { existsSync, readdirSync } from 'node:fs'
import { backupFolder, type Lab } from '../lab/lab.ts'
import { ask, query } from '../shell/bash.ts'
import type { Check } from '../shell/steps.ts'
import { LabError, script } from '../text/errors.ts'
import { checkBash, manifestName, parseManifest, type Manifest } from './backup-manifest.ts'

export interface Backup extends Manifest {
  file: string
  /** config.yaml of the server that it was made on. */
  config: string
}

/** The backups of a lab, oldest first. */
export function backupsOf(lab: Lab): string[] {
  const folder = backupFolder(lab)
  if (!existsSync(folder)) return []
  const isBackup = (name: string) =>
    name.startsWith(`${lab.name}-`) && /-\d{8}-\d{6}\.tar$/.test(name)
  return readdirSync(folder)
    .filter(isBackup)
    .sort()
    .map((name) => `${folder}/${name}`)
}

/** Reads the newest backup, or the one that is named, and checks that it is complete. */
export async function readBackup(lab: Lab, named: string | undefined): Promise<Backup> {
  const file = named ?? backupsOf(lab).at(-1)
  if (file === undefined)
    throw new LabError(`lab ${lab.name} has no backup in ${backupFolder(lab)}`, {
      hint: [script('backup'), '# or name the file of one'],
    })
  if (!existsSync(file))
    throw new LabError(`there is no file ${file}`, { hint: `ls -l ${backupFolder(lab)}` })
  const checked = await ask(checkBash(file), { seconds: 600 })
  if (checked.code !== 0) throw damaged(lab, file, checked.stderr)
  const [manifest, config] = await Promise.all([
    query`tar -xOf ${file} ${manifestName}`,
    query`tar -xOf ${file} config.yaml`,
  ])
  const read = parseManifest(manifest.stdout)
  if (!read || config.code !== 0) throw damaged(lab, file, `its ${manifestName} cannot be read`)
  if ((await query`tar -tf ${file} ${read.snapshot}`).code !== 0)
    throw damaged(lab, file, `it lacks the snapshot ${read.snapshot}`)
  return { ...read, file, config: config.stdout }
}

const damaged = (lab: Lab, file: string, why: string) =>
  new LabError(`${file} is damaged, or no backup`, {
    details: [...why.split('\n').filter(Boolean), 'nothing was stopped or changed'],
    hint: [`ls -l ${backupFolder(lab)}   # is there another one?`],
  })

/** The check that a backup is complete. */
export const isWhole = (file: string): Check => ({
  do: 'check',
  bash: checkBash(file),
  holds: async () => {
    const { code, stderr } = await ask(checkBash(file), { seconds: 600 })
    if (code !== 0) throw new LabError(`${file} cannot be read back`, { details: [stderr] })
  },
})
