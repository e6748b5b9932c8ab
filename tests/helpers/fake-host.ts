// A host for the scripts to run on: stand-ins for what is outside (virsh, ssh, curl, ip, QEMU, the ISO tool) and the
// machine's own tools for the rest, in the only folder of PATH. Every call of a stand-in is in the calls file; an unknown
// one ends with 97 and fails the test. Its machines are folders: fake-node.sh says what they can.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { quote } from '../../lib/text/quote.ts'
import { fixture, fixtures, top } from './fixtures.ts'
import { labText, type RawLab } from './labs.ts'
import { isChange } from './results.ts'
import {
  fillHostBin,
  fillNodeBin,
  fakeNode,
  findTool,
  makeRelease,
  qcow2,
  quickNode,
  writeProgram,
} from './stand-ins.ts'

export const version = 'v1.36.5+rke2r1'
/** What the cluster's token ends with. */
export const secret = 'secret-of-the-cluster'

export interface HostOptions {
  /** The machines are there and up, as create and eject leave them. */
  machines?: boolean
  folder?: string
}

export interface RunOptions {
  env?: Record<string, string>
  input?: string
  /** Typed once `question` is on stdout, instead of `input`. */
  answer?: { question: string; keys: string }
  /** Called with all of stderr so far whenever there is more. */
  onStderr?: (text: string, child: ChildProcess) => void
  /** Through zx, as users do. */
  npx?: boolean
  /** On a terminal, made by script(1); all output comes as stdout. */
  terminal?: boolean
}

export interface Result {
  code: number | null
  stdout: string
  stderr: string
  /** Calls of stand-ins that change something, in order. */
  changes: string[]
  calls: string[]
}

// What `everything` is about, of the host and of the nodes and the cluster.
const onHost = ['project/.lab', 'home']
const elsewhere = ['stand-in/nodes', 'stand-in/cluster', 'stand-in/domains']

/** A host with a project folder in it. */
export class FakeHost {
  readonly folder: string
  /** The project folder: the scripts' current one. */
  readonly project: string
  readonly state: string
  readonly bin: string

  constructor(
    t: Test,
    change?: (lab: RawLab) => unknown,
    { machines = false, folder = t.testdir() }: HostOptions = {},
  ) {
    this.folder = folder
    this.project = join(folder, 'project')
    this.state = join(folder, 'stand-in')
    this.bin = join(folder, 'bin')
    for (const place of [this.project, this.bin, join(folder, 'home')]) mkdirSync(place)
    for (const place of 'guests network nodes cluster files/dev files/etc files/proc files/run/systemd/system files/var/log/libvirt/qemu'.split(
      ' ',
    ))
      mkdirSync(join(this.state, place), { recursive: true })
    fillHostBin(this.bin)
    fillNodeBin(this.state)
    for (const name of ['cloud-init', 'rke2'])
      cpSync(join(top, name), join(this.project, name), { recursive: true })
    const addresses = fixture('ip-address.iproute2-6.1.0.json')
    this.put('ip-address', addresses.replaceAll('192.168.1.', '192.0.2.'))
    this.put('files/dev/kvm', '')
    this.put('files/proc/meminfo', 'MemTotal: 41943040 kB\nMemAvailable:   33554432 kB\n')
    this.put('files/etc/os-release', 'ID=debian\nVERSION_ID="13"\n')
    this.put('files/proc/cpuinfo', 'flags\t\t: fpu vmx lm\n')
    this.put('groups', 'me libvirt\n')
    this.put('rke2.yaml', fixture('rke2.yaml'))
    this.makeRelease(version)
    this.writeLab(change)
    writeFileSync(join(this.project, 'image.qcow2'), qcow2(2 ** 31))
    if (machines) this.bootMachines()
  }

  /** Puts a stand-in into PATH, instead of one that is there. */
  add(name: string, script: string): void {
    this.without(name)
    writeProgram(this.bin, name, script)
  }
  /** The machine's own tool. */
  link(name: string): void {
    this.without(name)
    const file = findTool(name)
    if (file) symlinkSync(file, join(this.bin, name))
  }
  without(...names: string[]): void {
    for (const name of names) rmSync(join(this.bin, name), { force: true })
  }
  makeRelease(version: string): void {
    makeRelease(join(this.state, 'mirror'), version)
  }
  /** Removes files of the stand-ins. */
  forget(...names: string[]): void {
    for (const name of names) rmSync(join(this.state, name), { recursive: true })
  }
  put(name: string, text: string): void {
    writeFileSync(join(this.state, name), text)
  }
  /** Puts a volume into the pool, as someone else might have made it. */
  addVolume(name: string, data = 'x'.repeat(40000)): void {
    mkdirSync(join(this.state, 'volumes', name), { recursive: true })
    const xml = fixture('volume-base.libvirt-9.0.0.xml')
    this.put(`volumes/${name}/xml`, xml.replaceAll('base-0a04793648ffdd5e.qcow2', name))
    this.put(`volumes/${name}/data`, data)
  }
  read = (name: string) => readFileSync(join(this.state, name), 'utf8')
  writeLab(change?: (lab: RawLab) => unknown): void {
    const text = labText((lab) => {
      lab.domainType = 'kvm'
      lab.libvirt = 'qemu:///system'
      change?.(lab)
    })
    writeFileSync(join(this.project, 'lab.yaml'), text)
  }
  /** What the stand-in libvirt has, as names. */
  inventory(): Record<string, string[]> {
    const names = (folder: string) =>
      existsSync(join(this.state, folder)) ? readdirSync(join(this.state, folder)).sort() : []
    return Object.fromEntries(
      ['domains', 'volumes', 'pools', 'networks'].map((kind) => [kind, names(kind)]),
    )
  }

  /** The command line of a script as npx and zx would start it, without the time that they take. */
  command(script: string, words: string[], npx = false): string[] {
    return [
      ...(npx ? fakeNode : quickNode),
      `--import=${pathToFileURL(join(top, 'lib/runtime/register.cjs')).href}`,
      ...(npx ? [join(top, 'node_modules/zx/build/cli.js')] : []),
      join(top, `scripts/${script}.ts`),
      ...words,
    ]
  }
  get env(): Record<string, string> {
    const home = join(this.folder, 'home')
    const node = join(this.bin, 'node')
    return {
      // Without SHLVL a bash whose stdin is a socket, as Node makes them, takes itself for one of rshd's and reads no BASH_ENV.
      BASH_ENV: join(import.meta.dirname, 'fake-machine.sh'),
      SHLVL: '1',
      PATH: this.bin,
      HOME: home,
      STAND_IN: this.state,
      FIXTURES: fixtures,
      HASTE: '30',
      NODE: node,
    }
  }
  run(script: string, words: string[] = [], options: RunOptions = {}): Promise<Result> {
    const before = this.callsSoFar().length
    const command = this.command(script, words, options.npx)
    const args = options.terminal
      ? ['script', '-qec', command.map(quote).join(' '), '/dev/null']
      : command
    // tap puts its own loader into NODE_OPTIONS: that is for tests, and doubles a script's start.
    const child = spawn('env', ['-u', 'NODE_OPTIONS', ...args], {
      cwd: this.project,
      env: { ...this.env, ...options.env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const asks = options.answer && !stdout.includes(options.answer.question)
      stdout += text
      if (asks && stdout.includes(options.answer!.question)) child.stdin.end(options.answer!.keys)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      options.onStderr?.(stderr, child)
    })
    if (!options.answer) child.stdin.end(options.input ?? '')
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        if (this.unknown().length > 0)
          reject(new Error(`unknown calls:\n${this.unknown().join('\n')}`))
        const calls = this.callsSoFar().slice(before)
        resolve({ code, stdout, stderr, calls, changes: calls.filter(isChange) })
      })
    })
  }
  callsSoFar = () => this.lines('calls')
  /** Calls that no stand-in knows. */
  unknown = () => this.lines('unknown')
  private lines(name: string): string[] {
    const file = join(this.state, name)
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  }

  /** As create and eject leave them. */
  private bootMachines(): void {
    mkdirSync(join(this.project, '.lab/lab'), { recursive: true, mode: 0o700 })
    writeFileSync(join(this.project, '.lab/lab/ssh_config'), '')
    const { nodes } = parse(readFileSync(join(this.project, 'lab.yaml'), 'utf8')) as RawLab
    for (const { name } of nodes) this.boot(String(name))
  }
  /** A machine is up; `fresh` gives it an empty disk. */
  boot(name: string, { fresh = false } = {}): void {
    mkdirSync(join(this.state, 'domains', name), { recursive: true })
    this.put(`domains/${name}/state`, 'running\n')
    if (fresh) rmSync(join(this.state, 'nodes', name), { recursive: true })
    this.onNode(name, 'etc/machine-id', `${fresh ? 'another ' : ''}machine of ${name}\n`)
  }

  /** A file of a node; with `text` it is written. */
  onNode(name: string, file: string, text?: string): string {
    const path = join(this.state, 'nodes', name, file)
    if (text === undefined) return existsSync(path) ? readFileSync(path, 'utf8') : ''
    for (const folder of ['home', 'run', 'etc/cloud', 'usr/local/bin', 'var/lib', join(file, '..')])
      mkdirSync(join(this.state, 'nodes', name, folder), { recursive: true })
    writeFileSync(path, text)
    return text
  }
  /** Removes what was wrong with a node. */
  repair(name: string, wrong = 'fault'): void {
    rmSync(join(this.state, 'nodes', name, wrong))
  }
  /** The user keeps pods off a node. */
  cordon(name: string): void {
    mkdirSync(join(this.state, 'cluster/cordoned'), { recursive: true })
    this.put(`cluster/cordoned/${name}`, '')
  }
  events = () => this.lines('events')

  /** The Node objects: name and whether it is Ready. */
  kubeNodes(): Record<string, boolean> {
    const folder = join(this.state, 'cluster/nodes')
    const names = existsSync(folder) ? readdirSync(folder).sort() : []
    return Object.fromEntries(
      names.map((name) => [name, this.read(`cluster/nodes/${name}`).startsWith('True ')]),
    )
  }

  /** Everything that the scripts change: files of the host, the nodes and the cluster, with mode and digest. */
  everything(): Record<string, string> {
    const places = [...onHost, ...elsewhere].filter((place) => existsSync(join(this.folder, place)))
    const files = places.flatMap((place) => this.filesIn(place))
    return Object.fromEntries(
      files.sort().map((file) => {
        const mode = (statSync(join(this.folder, file)).mode & 0o777).toString(8)
        const text = readFileSync(join(this.folder, file))
        return [file, `${mode} ${createHash('sha256').update(text).digest('hex').slice(0, 8)}`]
      }),
    )
  }
  private filesIn = (place: string) =>
    readdirSync(join(this.folder, place), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !['lock', 'journal', 'invocation'].includes(entry.name))
      .filter(({ parentPath }) => !/\/sys\/|\/domains\/[^/]+\/snapshots/.test(parentPath))
      .filter(({ name }) => name !== 'live.xml') // as the machine was started
      .map((entry) => join(entry.parentPath, entry.name).slice(this.folder.length + 1))

  /** All that lies on the host, in one text. */
  hostText = () =>
    onHost
      .flatMap((place) => this.filesIn(place))
      .map((file) => readFileSync(join(this.folder, file), 'latin1'))
      .join('\n')

  /** Keeps everything as it is now, for `restore`. */
  save(): void {
    this.copy(this.folder, join(this.folder, 'saved'))
  }
  restore(): void {
    this.copy(join(this.folder, 'saved'), this.folder)
    for (const name of ['calls', 'events']) rmSync(join(this.state, name), { force: true })
  }
  private copy(from: string, to: string): void {
    for (const place of ['project', 'home', 'stand-in']) {
      rmSync(join(to, place), { recursive: true, force: true })
      mkdirSync(to, { recursive: true })
      execFileSync('cp', ['-a', join(from, place), join(to, place)])
    }
  }
}
