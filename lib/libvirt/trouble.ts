// PURE. The errors of virsh -> what is wrong, on which host, and how to fix it there.
import { LabError, line, script } from '../text/errors.ts'
import { quote } from '../text/quote.ts'

interface LibvirtHost {
  /** libvirt runs on this host. */
  isHere: boolean
  name: string
  /** The start of an ssh command, where libvirt is reached over SSH. */
  ssh?: string
}

/** The host that a libvirt URI leads to; without a name in it, virsh takes localhost. */
export function libvirtHost(uri: string): LibvirtHost {
  const [, transport = '', user = '', host = 'localhost', port] =
    /^\w+(?:\+(\w+))?:\/\/(?:([^@/?]+@)?(\[[^\]/]+\]|[^:/?]+)(?::(\d+))?)?/.exec(uri) ?? []
  const name = host.replace(/^\[|\]$/g, '') // around an IPv6 address
  const isHere = name === 'localhost'
  if (!/ssh/.test(transport)) return { isHere, name }
  const key = new URLSearchParams(uri.split('?')[1]?.replaceAll('+', '%2B')).get('keyfile')
  const options = `${key ? `-i ${quote(key)} ` : ''}${port ? `-p ${port} ` : ''}`
  return { isHere, name, ssh: `ssh ${options}${quote(user + name)}` }
}

/** Whether virsh said that there is no such thing, and nothing else. For a domain one line is all that it says. */
export const saysNone = (errors: string[]): boolean =>
  errors.length > 0 &&
  errors.every((line) =>
    /^((Domain|Storage volume|Storage pool|Network) not found: |failed to get (domain|vol|pool|network) ')/.test(
      line,
    ),
  ) &&
  errors.some((line) => / not found: |^failed to get domain/.test(line))

/** Whether a pool cannot be refreshed because a volume is being written. */
export const saysBusy = (errors: string[]): boolean =>
  errors.some((line) => line.includes('has asynchronous jobs running'))

/** pool-define --validate is there since (libvirt's NEWS). */
export const oldest = '7.7'

interface Problem {
  why: string
  fix: string[]
  /** The fix belongs on the host where libvirt runs. */
  there?: boolean
  /** It is about virsh, on this host. */
  here?: boolean
}

/** What virsh's errors mean. `command` is the one that failed, to try by hand. */
export function libvirtTrouble(errors: string[], uri: string, command = 'version'): LabError {
  const said = errors.at(-1) ?? 'virsh printed nothing'
  const all = errors.join('\n')
  const host = libvirtHost(uri)
  const problem =
    (host.ssh && sshProblem(all, said, host.ssh)) ||
    oldVirsh(all, said) ||
    denied(all, said, uri, !host.isHere) ||
    daemonOff(all, said) ||
    noDriver(all, said) ||
    cutOff(all, said)
  // doctor --fix must not run here what is about another host
  const typed = (text: string) => (host.isHere || text.startsWith('#') ? text : `# ${text}`)
  const told = (why: string) => (host.isHere ? why : `on ${host.name}: ${why}`)
  if (!problem)
    return new LabError(told(said), {
      details: errors.slice(0, -1),
      hint: typed(`virsh -c ${quote(uri)} ${command}`),
    })
  const { why, fix, there = false, here = false } = problem
  return new LabError(here ? why : told(why), {
    hint: [...(there ? adviceFor(uri, fix) : fix.map(typed)), line('# then: ', script('doctor'))],
  })
}

/** What helps on the host where libvirt runs: as it is on this one, else the command behind ssh, to be typed by a person. */
export function adviceFor(uri: string, fix: string[]): string[] {
  const host = libvirtHost(uri)
  return host.isHere ? fix : fix.map((command) => behind(host, command))
}

function behind({ name, ssh }: LibvirtHost, line: string): string {
  if (line.startsWith('#') || !ssh) return `# on ${name}: ${line.replace(/^# /, '')}`
  return `# on ${name}: ${ssh.replace(/^ssh/, 'ssh -t')} ${quote(line)}`
}

// Behind `Cannot recv data: ` is what ssh said, or the shell there; libvirt's own helper says its name.
function sshProblem(all: string, said: string, ssh: string): Problem | undefined {
  if (/\b(nc|netcat|virt-ssh-helper): (command )?not found/.test(all))
    return {
      why: `libvirt is not installed there: ${said}`,
      fix: ['# install it there (libvirt-daemon-system on Debian and Ubuntu, libvirt on others)'],
    }
  const isSsh =
    /host key verification failed|permission denied \(|(^|: )ssh: |kex_exchange_identification|socket is closed/im
  const isOther = /cannot recv data: (?!virt-ssh-helper|connection reset|end of file)/i
  return isSsh.test(all) || isOther.test(all)
    ? { why: `SSH cannot connect: ${said}`, fix: [`# try it by hand: ${ssh} true`] }
    : undefined
}

const oldVirsh = (all: string, said: string): Problem | undefined =>
  /doesn't support option|unknown command/.test(all)
    ? {
        why: `virsh does not support what these scripts need: ${said}`,
        fix: [`# virsh --version must be ${oldest} or newer`],
        here: true,
      }
    : undefined

function denied(all: string, said: string, uri: string, isRemote: boolean): Problem | undefined {
  if (!/permission denied|authentication (failed|unavailable|cancelled)|access denied/i.test(all))
    return undefined
  return {
    why: `this user may not use ${uri}: ${said}`,
    fix: [
      'sudo usermod -aG libvirt "$(id -un)"',
      ...(isRemote ? [] : ['# then log out and in again, or: newgrp libvirt']),
    ],
    there: true,
  }
}

/** libvirt's modular daemons, by the names of their sockets. */
const daemons: Record<string, string> = {
  virtstoraged: 'the storage daemon of libvirt is off',
  virtnetworkd: 'the network daemon of libvirt is off',
  virtsecretd: 'the secret daemon of libvirt is off',
  virtqemud: 'libvirt is not running',
}

function daemonOff(all: string, said: string): Problem | undefined {
  if (!/no such file or directory|connection refused/i.test(all)) return undefined
  const socket = /'[^']*\/(\w+)-sock(?:-ro)?'/.exec(all)?.[1] ?? ''
  if (socket in daemons)
    return {
      why: `${daemons[socket]}: ${said}`,
      fix: [
        `sudo systemctl enable --now ${socket}.socket`,
        ...(socket === 'virtqemud'
          ? []
          : [
              `# if there is no such unit, first install libvirt-daemon-driver-${socket.slice(4, -1)}`,
            ]),
      ],
      there: true,
    }
  if (!socket && !/failed to connect/i.test(all)) return undefined
  return {
    why: `libvirt is not running or not installed: ${said}`,
    fix: [
      'sudo systemctl enable --now libvirtd.socket || sudo systemctl enable --now libvirtd',
      '# if it is not installed, first: libvirt-daemon-system (Debian, Ubuntu) or libvirt (others)',
    ],
    there: true,
  }
}

function noDriver(all: string, said: string): Problem | undefined {
  const kind = /not supported by the connection driver: vir\w*?(Storage|Network)/.exec(all)?.[1]
  if (!kind) return undefined
  const driver = kind.toLowerCase()
  return {
    why: `libvirt has no ${driver} driver: ${said}`,
    fix: [
      `# install libvirt-daemon-driver-${driver}, then: sudo systemctl restart libvirtd || sudo systemctl enable --now virt${driver}d.socket`,
    ],
    there: true,
  }
}

const cutOff = (all: string, said: string): Problem | undefined =>
  /cannot recv data|cannot write data|end of file|failed to reconnect|disconnected from/i.test(all)
    ? { why: `the connection to libvirt was lost: ${said}`, fix: ['# run the same command again'] }
    : undefined
