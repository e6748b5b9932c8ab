// PURE. What this host has and lacks to run machines at all, and the commands that set it up: packages, daemons, group.
import type { Lab } from '../lab/lab.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import type { Hint } from '../text/errors.ts'
import { isForPeople, warning, type Finding } from '../text/findings.ts'
import { quote } from '../text/quote.ts'
import { parts } from '../text/sections.ts'
import { asThisUser } from './as-user.ts'
import { packagerOf, packagesOf, type Packager } from './packages.ts'
import { isoTools, neededTools } from './tools.ts'

export interface Setup {
  packager: Packager | undefined
  /** What installs where a system is only replaced as a whole, from the next start on; else empty. */
  whole: string
  user: string
  isRoot: boolean
  hasSudo: boolean
  /** Member of the group libvirt: by the database, and in this login. */
  inGroup: { database: boolean; login: boolean }
  /** Programs that are not there. */
  missing: string[]
  /** Which sockets of libvirt systemd can start. */
  sockets: 'modular' | 'monolithic' | undefined
  hasSystemd: boolean
  /** The kind of container that this is, such as docker. */
  container: string | undefined
  hasKvm: boolean
  /** The processor can virtualise, as far as its flags say. */
  canVirtualise: boolean
  /** Bytes of memory in all. */
  memory: number
}

const daemons = ['libvirtd', 'virtqemud']
const emulators = ['qemu-system-x86_64', '/usr/libexec/qemu-kvm']

/** Programs that a local libvirt needs besides those that the scripts call; one of each list is enough. */
const hypervisor = (lab: Lab): string[][] =>
  libvirtHost(lab.libvirt).isHere ? [daemons, emulators] : []

const wanted = (lab: Lab): string[][] => [
  ...neededTools(lab).map((tool) => (tool === 'genisoimage' ? isoTools : [tool])),
  ...hypervisor(lab),
  ['ip'],
]

/** Asks this host; each answer stands after a line "== NAME". */
export const setupScript = (lab: Lab): string => String.raw`set +eu; trap - ERR
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
IS() { if "$@" >/dev/null 2>&1; then echo yes; fi; }
echo '== os'; cat /etc/os-release 2>/dev/null
echo '== whole'; { test -e /run/ostree-booted && echo rpm-ostree install; } ||
  { command -v transactional-update >/dev/null && echo transactional-update pkg install; }
echo '== id'; id -u; id -un
echo '== sudo'; IS command -v sudo
echo '== login'; id -nG
echo '== database'; id -nG "$(id -un)"
echo '== have'; command -v ${wanted(lab).flat().map(quote).join(' ')}
echo '== modular'; IS systemctl cat virtqemud.socket
echo '== monolithic'; IS systemctl cat libvirtd.socket
echo '== systemd'; IS test -d /run/systemd/system
echo '== container'; { test -e /.dockerenv && echo docker; } || { test -e /run/.containerenv && echo podman; } ||
  systemd-detect-virt --container 2>/dev/null
echo '== kvm'; IS test -e /dev/kvm
echo '== flags'; cat /proc/cpuinfo | grep -Eow -m 1 'vmx|svm'
echo '== memory'; cat /proc/meminfo
true
`

/** Reads the answers. */
export function parseSetup(lab: Lab, output: string): Setup {
  const found = parts(output)
  const text = (name: string) => (found.get(name) ?? '').trim()
  const [uid = '0', user = 'root'] = text('id').split('\n')
  const have = new Set(
    text('have')
      .split('\n')
      .flatMap((path) => [path, path.split('/').at(-1) ?? '']),
  )
  const missing = wanted(lab).flatMap((names) =>
    names.some((name) => have.has(name)) ? [] : (names[0] ?? []),
  )
  const container = text('container')
  const isIn = (groups: string) => text(groups).split(/\s+/).includes('libvirt')
  return {
    packager: text('whole') ? undefined : packagerOf(text('os')),
    whole: text('whole'),
    user,
    isRoot: uid === '0',
    hasSudo: text('sudo') !== '',
    inGroup: { database: isIn('database'), login: isIn('login') },
    missing,
    sockets: text('modular') ? 'modular' : text('monolithic') ? 'monolithic' : undefined,
    hasSystemd: text('systemd') !== '',
    container: container === '' || container === 'none' ? undefined : container,
    hasKvm: text('kvm') !== '',
    canVirtualise: text('flags') !== '',
    memory: Number(/^MemTotal:\s+(\d+) kB/m.exec(text('memory'))?.[1] ?? 0) * 1024,
  }
}

/** The packages to install; none where the host has all programs, or is of an unknown distribution. */
export const packagesFor = ({ packager, missing }: Setup): string[] =>
  packager ? packagesOf(packager, missing) : []

/** `apt-get` says what an installation downloads, without root and without a lock; undefined for other package managers. */
export function sizeScript(setup: Setup): string | undefined {
  const packages = packagesFor(setup)
  if (!setup.packager?.install.includes('apt-get') || packages.length === 0) return undefined
  return `apt-get -o Debug::NoLocking=1 install --yes --no-install-recommends --print-uris ${packages.join(' ')}`
}

/** Adds up the sizes in the output of \`sizeScript\`: 'URI' FILE SIZE HASH. */
export const sumOfUris = (output: string): number =>
  [...output.matchAll(/^'\S+' \S+ (\d+) /gm)].reduce((sum, [, size]) => sum + Number(size), 0)

const root = ({ isRoot }: Setup, command: string) => (isRoot ? command : `sudo ${command}`)

const sockets = {
  modular: ['virtqemud', 'virtnetworkd', 'virtstoraged', 'virtlogd'],
  monolithic: ['libvirtd'],
}

/** The commands that install what is missing. */
function installFixes(setup: Setup): string[] {
  const { packager, missing, whole } = setup
  if (missing.length === 0) return []
  if (!packager)
    return [`# install${whole && ` (${whole} PACKAGE, then restart)`}: ${missing.join(', ')}`]
  const { refresh, install } = packager
  const packages = packagesOf(packager, missing).join(' ')
  return [...(refresh ? [root(setup, refresh)] : []), root(setup, `${install} ${packages}`)]
}

/** The command that starts libvirt's sockets; a host that has both kinds keeps to the one that is there. */
function daemonFixes(setup: Setup): string[] {
  if (!setup.hasSystemd)
    return ['# start libvirtd (or virtqemud and its like) the way this host starts services']
  const kind =
    setup.sockets ?? (setup.packager?.install.includes('apt-get') ? 'monolithic' : 'modular')
  const units = sockets[kind].map((name) => `${name}.socket`).join(' ')
  return [root(setup, `systemctl enable --now ${units}`)]
}

const groupFixes = (setup: Setup): string[] =>
  setup.isRoot || setup.inGroup.database
    ? []
    : [root(setup, `usermod -aG libvirt ${quote(setup.user)}`)]

/** The findings with the commands that set up this very host. */
export function forThisHost(findings: Finding[], setup: Setup, lab: Lab): Finding[] {
  const isHere = libvirtHost(lab.libvirt).isHere
  return findings.map(onThisHost).map((finding) => asThisUser(finding, setup))

  function onThisHost(finding: Finding): Finding {
    const { check, level, fix = [], found } = finding
    if (level === 'ok') {
      if (check !== 'host tools' || setup.missing.length === 0) return finding
      return { ...finding, level: 'failure', found: lacks(setup), fix: installFixes(setup) }
    }
    if (check === 'host tools') return { ...finding, found: lacks(setup), fix: installFixes(setup) }
    if (check === 'QEMU' && isHere && setup.packager)
      return { ...finding, fix: installFixes({ ...setup, missing: ['qemu-system-x86_64'] }) }
    if (check === 'image' && setup.missing.some((tool) => ['curl', 'gpgv'].includes(tool)))
      return warning(
        check,
        'not checked: curl or gpgv is missing',
        '# it is checked once they are installed',
      )
    if (check === 'KVM' && isHere && !setup.canVirtualise)
      return { ...finding, fix: fix.filter(isForPeople) } // no module would help
    if (check !== 'libvirt' || !isHere) return finding
    if (/not installed|not running|daemon of libvirt is off/.test(found))
      return { ...finding, fix: [...daemonFixes(setup), ...groupFixes(setup)] }
    if (found.startsWith('this user may not use'))
      return { ...finding, fix: deniedFixes(setup, fix) }
    return { ...finding, fix: fix.map(onlyShown) } // a person must look at what it says
  }
}

const onlyShown = (fix: Hint): Hint =>
  typeof fix === 'string' && fix.startsWith('virsh ') ? `# ${fix}` : fix

const lacks = ({ missing }: Setup) => `missing: ${missing.join(', ')}`

const deniedFixes = (setup: Setup, fix: Finding['fix'] = []) => {
  const { database, login } = setup.inGroup
  if (!database) return groupFixes(setup)
  return login
    ? fix
    : [
        `sg libvirt -c 'npm start'   # or log out and in again: this login does not know the group yet`,
      ]
}

/** Whether the rest has to run under the group (sg), because this login is older than the membership. */
export const needsNewGroup = ({ isRoot, inGroup }: Setup): boolean =>
  !isRoot && inGroup.database && !inGroup.login
