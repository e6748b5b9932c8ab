// Backups of a cluster, read without this project's code.
import { execFileSync } from 'node:child_process'

/** The text of a file in a tar. */
export const tarText = (file: string, name: string): string =>
  execFileSync('tar', ['-xOf', file, name], { encoding: 'utf8' })

/** Whether a file is named as the backups of a lab are. */
export const isBackupOf = (lab: string) => (name: string) =>
  name.startsWith(`${lab}-`) && name.endsWith('.tar')
