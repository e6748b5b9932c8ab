// EDGE. The download cache, shared by all labs of this user.
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Shell } from '../shell/carry-out.ts'

/** The folder for everything downloaded and verified. */
export const cacheDir = () =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rke2-kvm-lab')

/** Does work that only one lab may do at a time: downloads, and base images in the shared pool. */
export const withCacheLock = <T>(shell: Shell, work: () => Promise<T>): Promise<T> =>
  shell.locked(join(cacheDir(), 'lock'), 'the downloads that all labs share', work)
