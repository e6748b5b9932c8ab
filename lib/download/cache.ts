// EDGE. Where downloads are kept, shared by all labs of this user.
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Shell } from '../shell/carry-out.ts'

/** Folder of everything that was downloaded and checked. */
export const cacheDir = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rke2-kvm-lab')

/** Does work that no other lab may do at the same time: downloading, and making base images in the shared pool. */
export const withCacheLock = <T>(shell: Shell, work: () => Promise<T>): Promise<T> =>
  shell.locked(join(cacheDir(), 'lock'), 'the downloads that all labs share', work)
