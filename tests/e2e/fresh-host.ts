// A fresh Debian with its own systemd, in a container: what a person has after the installation, with git, sudo and Node.
// It reaches the outside (Debian's packages, npm's) through a network namespace; nothing of a lab leaves it.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { ExecResult } from './host.ts'
import { freshSystem } from './image.ts'
import { requireTools, systemEnv } from './tools.ts'

const project = resolve(import.meta.dirname, '../..')

export interface FreshHost {
  /** The address of this machine, seen from inside: for a mirror. */
  gateway: string
  /** The folder with the clone, seen from inside. */
  clone: string
  /** The user of the clone. */
  user: string
  /** Runs a bash script as a user, in the clone; `answers` are typed on a terminal. */
  bash(text: string, options?: BashOptions): Promise<ExecResult>
  /** A path inside, seen from this machine. */
  path(inside: string): string
  stop(): Promise<void>
}

interface BashOptions {
  user?: string
  answers?: string
  /** Seconds. */
  timeout?: number
}

const tools = ['systemd-nspawn', 'mmdebstrap', 'nsenter', 'setpriv', 'ip', 'iptables', 'git']

/** Why this machine cannot boot one. */
export function whyNoFreshHost(): string | undefined {
  try {
    requireTools(tools)
  } catch (error) {
    return `no fresh host here: ${(error as Error).message.replace('\n', '; ')}`
  }
  return existsSync('/dev/net/tun') ? undefined : 'no fresh host here: there is no /dev/net/tun'
}

let count = 0

/** Boots a Debian release with a clone of this project that belongs to `user`. */
export async function startFreshHost(suite: string, user: 'builder' | 'root'): Promise<FreshHost> {
  requireTools(tools)
  const archive = await freshSystem(suite)
  const state = mkdtempSync(join(tmpdir(), 'rkl-fresh-'))
  const root = join(state, 'root')
  const path = (inside: string) => join(root, inside)
  const net = network(`fresh${process.pid % 10000}${count++}`)
  let container: ChildProcess | undefined
  const stop = async () => {
    if (container) await ended(container)
    net.remove()
    await rm(state, { recursive: true, force: true })
  }
  try {
    mkdirSync(root)
    execFileSync('tar', ['-x', '-f', archive, '-C', root])
    cpSync('/etc/ssl/certs/ca-certificates.crt', path('etc/ssl/certs/ca-certificates.crt'))
    cpSync('/etc/resolv.conf', path('etc/resolv.conf'), { dereference: true })
    const clone = user === 'root' ? '/root/rke2-kvm-lab' : `/home/${user}/rke2-kvm-lab`
    cloneTo(path(clone))
    if (user !== 'root') execFileSync('chown', ['-R', '1000:1000', path(clone)])
    container = boot(root, net.name)
    const pid = await systemdOf(container, path)
    const bash = (text: string, options?: BashOptions) =>
      runInside(pid, clone, text, { user, ...options })
    await prepare(bash)
    return { gateway: net.gateway, clone, user, bash, path, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What `git clone` would give of the working tree. */
function cloneTo(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: project,
    encoding: 'utf8',
  })
  for (const file of files.split('\n').filter(Boolean))
    try {
      cpSync(join(project, file), join(folder, file))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // deleted, not committed
    }
}

/** A network namespace with a way to the outside, but not for private networks of labs. */
function network(name: string) {
  const number = (process.pid % 200) + count
  const [gateway, address] = [`10.213.${number}.1`, `10.213.${number}.2`]
  const commands = (list: string[], check = true) =>
    list.forEach((command) => {
      try {
        execFileSync('sh', ['-ec', command], {
          env: systemEnv,
          stdio: ['ignore', 'ignore', 'pipe'],
        })
      } catch (error) {
        if (check) throw error
      }
    })
  const rules = [
    `POSTROUTING -t nat -s ${address}/32 ! -o ${name} -j MASQUERADE`,
    `FORWARD -i ${name} -d 192.168.0.0/16 -j DROP`,
    `FORWARD -i ${name} -j ACCEPT`,
    `FORWARD -o ${name} -j ACCEPT`,
  ]
  commands([
    `ip netns add ${name}`,
    `ip link add ${name} type veth peer name host0 netns ${name}`,
    `ip address add ${gateway}/24 dev ${name}`,
    `ip link set ${name} up`,
    `ip -n ${name} address add ${address}/24 dev host0`,
    `ip -n ${name} link set lo up`,
    `ip -n ${name} link set host0 up`,
    `ip -n ${name} route add default via ${gateway}`,
    'echo 1 >/proc/sys/net/ipv4/ip_forward',
    ...rules.map((rule) => `iptables -A ${rule}`),
  ])
  const remove = () =>
    commands(
      [
        ...rules.map((rule) => `iptables -D ${rule}`),
        `ip link delete ${name}`,
        `ip netns delete ${name}`,
      ],
      false,
    )
  return { name, gateway, remove }
}

function boot(root: string, netns: string): ChildProcess {
  const options = [
    '--boot',
    '--register=no',
    '--keep-unit',
    `--network-namespace-path=/run/netns/${netns}`,
    '--capability=all',
    '--bind=/dev/net/tun',
    '--resolv-conf=off',
    '--console=pipe',
    '--quiet',
  ]
  return spawn('systemd-nspawn', ['-D', root, ...options], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { ...systemEnv, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
  })
}

/** The process id of the container's systemd, once it has started. */
async function systemdOf(container: ChildProcess, path: (inside: string) => string) {
  const children = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  for (let tries = 0; tries < 600; tries++) {
    await setTimeout(100)
    if (container.exitCode !== null)
      throw new Error(`systemd-nspawn ended with ${container.exitCode} in ${path('')}`)
    const pid = container.pid === undefined ? undefined : children(container.pid)[0]
    if (pid && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'systemd\n') return pid
  }
  throw new Error('systemd did not start in the container')
}

async function prepare(bash: FreshHost['bash']): Promise<void> {
  const isUp =
    'for i in $(seq 120); do case $(systemctl is-system-running) in running|degraded) exit 0; esac; sleep 0.5; done; systemctl list-jobs; exit 1'
  // A NAT network needs /proc/sys/net; QEMU needs /dev/net/tun. The modes of devices are those of this machine.
  const { exitCode, stdout, stderr } = await bash(
    `umount /proc/sys || mount -o remount,rw /proc/sys; chmod 666 /dev/net/tun /dev/null; ${isUp}`,
    { user: 'root', timeout: 120 },
  )
  if (exitCode !== 0) throw new Error(`the container is not up: ${stdout}${stderr}`)
}

function runInside(
  pid: number,
  cwd: string,
  text: string,
  { user = 'root', answers, timeout = 1800 }: BashOptions,
): Promise<ExecResult> {
  const ids = user === 'root' ? '0' : '1000'
  const home = user === 'root' ? '/root' : `/home/${user}`
  const as = ['setpriv', `--reuid=${ids}`, `--regid=${ids}`, '--init-groups']
  // No USER: as from cron, su or a CI machine.
  const env = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `HOME=${home}`,
    'LANG=C.UTF-8',
    'TERM=dumb',
    'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt',
  ]
  const script = `cd ${cwd}; ${text}`
  const shell =
    answers === undefined
      ? ['bash', '-c', script]
      : ['script', '--quiet', '--return', '--command', script, '/dev/null']
  const words = ['-t', String(pid), '-m', '-u', '-i', '-n', '-p', '-C', '--', 'env', '-i', ...env]
  return new Promise((resolve, reject) => {
    const child = spawn('nsenter', [...words, ...as, ...shell], {
      detached: true,
      env: systemEnv,
      stdio: 'pipe',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (data) => (stdout += data))
    child.stderr.setEncoding('utf8').on('data', (data) => (stderr += data))
    child.stdin.on('error', () => {})
    if (answers === undefined) child.stdin.end()
    else child.stdin.write(answers)
    const timer = globalThis.setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), timeout * 1000)
    child.once('error', reject)
    child.once('exit', (code) => {
      clearTimeout(timer)
      child.stdin.end()
      globalThis.setTimeout(() => resolve({ exitCode: code ?? 137, stdout, stderr }), 200)
    })
  })
}

async function ended(container: ChildProcess): Promise<void> {
  if (container.exitCode !== null) return
  const end = new Promise((resolve) => container.once('exit', resolve))
  container.kill('SIGTERM') // nspawn asks the container to power off
  const timer = globalThis.setTimeout(() => container.kill('SIGKILL'), 20_000)
  await end
  clearTimeout(timer)
}
