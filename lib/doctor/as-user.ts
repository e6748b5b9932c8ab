// PURE. The commands of findings as this user can run them: by sudo where there is one, without it as root.
import type { Hint } from '../text/errors.ts'
import { isForPeople, type Finding } from '../text/findings.ts'
import { quote } from '../text/quote.ts'
import type { Packager } from './packages.ts'

interface User {
  user: string
  isRoot: boolean
  hasSudo: boolean
  packager: Packager | undefined
}

/** root needs no sudo; a user without one sees how root gives it. */
export function asThisUser(finding: Finding, user: User): Finding {
  const { fix } = finding
  if (!fix || !fix.some(needsSudo) || (user.hasSudo && !user.isRoot)) return finding
  if (user.isRoot) return { ...finding, fix: fix.map(withoutSudo) }
  return { ...finding, fix: [...fix.filter((one) => !needsSudo(one)), ...giveSudo(user)] }
}

const inFront = /(^|\|\| |&& )sudo /g
const needsSudo = (fix: Hint): boolean =>
  typeof fix === 'string' && !isForPeople(fix) && fix.search(inFront) >= 0
const withoutSudo = (fix: Hint): Hint =>
  typeof fix === 'string' && needsSudo(fix) ? fix.replace(inFront, '$1') : fix

// Debian has no sudo where root was given a password at the installation.
function giveSudo({ packager, user }: User): string[] {
  const { refresh, install } = packager ?? {}
  const group = install?.includes('apt-get') ? 'sudo' : 'wheel'
  const commands = [refresh, install && `${install} sudo`, `usermod -aG ${group} ${quote(user)}`]
  return [
    `# there is no sudo here; as root: su - -c ${quote(commands.filter(Boolean).join(' && '))}`,
    '# then log out and in again, and run this again',
  ]
}
