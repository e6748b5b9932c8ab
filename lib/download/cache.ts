// EDGE. Downloads, shared by all labs of this user.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { takeLock } from '../shell/lock.ts'
import { mode } from '../shell/shell.ts'

/** Folder of everything that was downloaded and checked. */
export const cacheDir = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rke2-kvm-lab')

/** Does work that no other lab may do at the same time: downloading, and making base images in the shared pool. */
export async function withCacheLock<T>(work: () => Promise<T>): Promise<T> {
  if (mode.dryRun) return work()
  const release = await takeLock(join(cacheDir(), 'lock'), 'the downloads that all labs share')
  try {
    return await work()
  } finally {
    release()
  }
}
