// A stand-in Linux host for the end-to-end tests: real libvirt in its own namespaces.
//
// It has its own processes, network (bridge br0, 192.168.1.1/24) and libvirt folders; everything
// else on disk is the machine's. It never meets the machine's own libvirt, needs no cgroups, and
// lives only as long as the program that started it: its first process (host-init.sh) reads from
// a pipe that the kernel closes for us, whichever way we end.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { takeInventory, type Inventory } from './inventory.ts'
import { requireTools, systemEnv } from './tools.ts'

export interface ExecOptions {
  cwd?: string
  /** Added to this process's own environment; undefined removes a variable. */
  env?: Record<string, string | undefined>
  input?: string
  /** Milliseconds after which the program and its children are killed. */
  timeout?: number
}

export interface ExecResult {
  /** 128 + the signal's number when a signal ended the program, as in a shell. */
  exitCode: number
  stdout: string
  stderr: string
}

export interface Host {
  /** The first process, seen from outside; for nsenter. */
  pid: number
  /** Runs a program inside and waits for it; never throws for its exit status. */
  exec(argv: string[], options?: ExecOptions): Promise<ExecResult>
  /** Like exec, but throws when the exit status is not 0; gives stdout. */
  run(argv: string[], options?: ExecOptions): Promise<string>
  /** Starts a program inside, in its own process group. */
  spawn(argv: string[], options?: SpawnOptions): ChildProcess
  /** Signals a spawned program, or with `group` (like Ctrl-C in a terminal) its children too. */
  signal(child: ChildProcess, signal: NodeJS.Signals, options?: { group?: boolean }): void
  /** An interactive shell for a person; resolves when it ends. */
  shell(options?: SpawnOptions): Promise<number>
  /** Everything there that a test may leave behind, sorted. */
  inventory(): Promise<Inventory>
  /** Ends everything inside and removes all traces; may be called twice. */
  stop(): Promise<void>
}

export interface SpawnOptions extends Omit<ExecOptions, 'input' | 'timeout'> {
  stdio?: 'pipe' | 'inherit' | 'ignore'
}

const tools = [
  'dnsmasq',
  'genisoimage',
  'ip',
  'iptables',
  'libvirtd',
  'nsenter',
  'qemu-img',
  'qemu-system-x86_64',
  'ssh',
  'ssh-keygen',
  'unshare',
  'virsh',
  'virtlogd',
]

export interface HostOptions {
  /** Address and prefix length of br0. */
  address?: string
  /** Lets the machine's /dev/kvm be seen inside. */
  kvm?: boolean
}

export async function startHost(options: HostOptions = {}): Promise<Host> {
  const { address = '192.168.1.1/24', kvm = false } = options
  requireTools(tools)
  const state = mkdtempSync('/var/tmp/rkl-host-') // on disk: /tmp is memory on some hosts
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
  const init = spawn(
    'unshare',
    [
      ...namespaces,
      join(import.meta.dirname, 'host-init.sh'),
      state,
      address,
      kvm ? 'kvm' : 'no-kvm',
    ],
    // Its own session: Ctrl-C in our terminal is for us, the pipe tells it that we ended.
    { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: systemEnv },
  )
  const ended = new Promise<void>((resolve) => init.once('exit', () => resolve()))
  let errors = ''
  init.stderr.on('data', (data) => (errors += data))
  const ready = await Promise.race([
    new Promise<boolean>((resolve) => init.stdout.once('data', () => resolve(true))),
    ended.then(() => false),
  ])
  if (!ready) {
    await rm(state, { recursive: true, force: true })
    throw new Error(`the stand-in host did not start:\n${errors}`)
  }
  // Nothing of it keeps this program running.
  init.unref()
  for (const pipe of [init.stdin, init.stdout, init.stderr]) (pipe as { unref?(): void }).unref?.()
  const pid = childOf(init.pid!)

  const host: Host = {
    pid,

    spawn(argv, { cwd = process.cwd(), env = {}, stdio = 'pipe' } = {}) {
      // nsenter leaves us in /, so a shell goes where we want to be.
      const there = ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', cwd, ...argv]
      const enter = ['--target', String(pid), '--mount', '--net', '--pid']
      return spawn('nsenter', [...enter, '--', ...there], {
        detached: stdio !== 'inherit',
        stdio,
        env: { ...systemEnv, ...env },
      })
    },

    signal(child, signal, { group = false } = {}) {
      if (child.pid === undefined) return
      // nsenter's process stays outside and passes nothing on.
      try {
        process.kill(group ? -child.pid : childOf(child.pid), signal)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    },

    exec(argv, { input, timeout, ...options } = {}) {
      return new Promise((resolve, reject) => {
        const child = host.spawn(argv, options)
        let stdout = ''
        let stderr = ''
        child.stdout!.setEncoding('utf8').on('data', (data) => (stdout += data))
        child.stderr!.setEncoding('utf8').on('data', (data) => (stderr += data))
        child.stdin!.on('error', () => {}) // it need not read its input
        child.stdin!.end(input)
        const timer =
          timeout && setTimeout(() => host.signal(child, 'SIGKILL', { group: true }), timeout)
        child.once('error', reject)
        child.once('exit', (code, signal) => {
          if (timer) clearTimeout(timer)
          const exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
          const done = () => resolve({ exitCode, stdout, stderr })
          // A daemon it left behind may hold the pipes open.
          const late = setTimeout(done, 1000)
          child.once('close', () => {
            clearTimeout(late)
            done()
          })
        })
      })
    },

    async run(argv, options) {
      const { exitCode, stdout, stderr } = await host.exec(argv, options)
      if (exitCode !== 0) throw new Error(`${argv.join(' ')}: exit status ${exitCode}\n${stderr}`)
      return stdout
    },

    shell(options = {}) {
      const child = host.spawn(['bash'], { ...options, stdio: 'inherit' })
      return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
    },

    inventory: () => takeInventory(host),

    async stop() {
      init.ref()
      init.stdin.end()
      const timer = setTimeout(() => init.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(timer)
      await rm(state, { recursive: true, force: true })
    },
  }
  return host
}

/** The only child of a process; waits a moment for one that is being started. */
function childOf(pid: number) {
  for (let tries = 0; tries < 100; tries++) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    if (children !== '') return Number(children.split(' ')[0])
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  }
  throw Object.assign(new Error(`process ${pid} has no child`), { code: 'ESRCH' })
}
