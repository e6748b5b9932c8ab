// What the end-to-end tests need from the machine they run on.
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Environment in which the system's tools are found, whatever PATH the caller has. */
export const systemEnv = {
  ...process.env,
  PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
}

/** Throws one error that names every missing tool and the command that installs them. */
export function requireTools(names: string[]) {
  const missing = names.filter((name) => !isOnPath(name))
  if (missing.length > 0)
    throw new Error(
      `the end-to-end tests need ${missing.join(', ')}\n` +
        "try: apt-get install --no-install-recommends $(grep -v '^#' tests/e2e/packages.txt)",
    )
  if (process.getuid?.() !== 0) throw new Error('the end-to-end tests must run as root')
}

function isOnPath(name: string) {
  return systemEnv.PATH.split(':').some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
