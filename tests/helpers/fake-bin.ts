// A host for the scripts to run on: stand-ins for what is outside (virsh, ssh, curl, ip, QEMU, the ISO
// tool) and the machine's own tools for the rest, in the only folder of PATH. Every call of a stand-in
// is in the calls file; an unknown one ends with 97 and fails the test.
import { spawn, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { quote } from '../../lib/text/quote.ts'
import { labText, type RawLab } from './labs.ts'

export const top = join(import.meta.dirname, '..', '..')
const fixtures = join(top, 'tests', 'fixtures')
export const fixture = (name: string) => readFileSync(join(fixtures, name), 'utf8')

/** Tools of the machine that the scripts may call. */
const realTools =
  'bash sh env cat cp mv rm rmdir mkdir ls sed sort head tail tr od stat paste grep sleep flock ' +
  'sha256sum sha512sum timeout touch ssh-keygen ps script'

const record = `echo "\${0##*/}$(printf ' %q' "$@")" >>"$STAND_IN/calls"`
const refuse = (name: string) =>
  `echo "${name} $*" >>"$STAND_IN/unknown"; echo "the stand-in ${name} does not know: $*" >&2; exit 97`

/** The stand-ins that are small enough to be written here. */
const standIns: Record<string, string> = {
  // A guest answers when its domain runs; $STAND_IN/guests/NODE says what it writes about cloud-init.
  ssh: `
${record}
if [[ $* = -V ]]; then echo OpenSSH_9.2p1 >&2; exit; fi
[[ $1 = -F && -e $2 ]] || { ${refuse('ssh')}; }
cd "$STAND_IN"
if [[ -e guests/$3.error ]]; then cat "guests/$3.error" >&2; exit 255; fi
if [[ $(cat "domains/$3/state") != running ]]; then echo "ssh: connect to host $3 port 22: No route to host" >&2; exit 255; fi
[[ "\${*:4}" = 'sh -s' ]] || { ${refuse('ssh')}; }
case "$(cat)" in
  'cd /run/cloud-init '*) cat "guests/$3" 2>/dev/null || cat "$FIXTURES/cloud-init-done.cloud-init-22.4.2.txt" ;;
  *) ${refuse('ssh')} ;;
esac`,
  // An ISO that is a text: the tag where a real one has it, then the files.
  genisoimage: `
${record}
[[ "$1 $2 $3 $4 $6 $7 $8 $9" = '-quiet -V cidata -A -J -r -graft-points -o' ]] || { ${refuse('genisoimage')}; }
printf '%33342s%-128s\\n' '' "$5" >"\${10}"
for part in "\${@:11}"; do echo "== \${part%%=*}"; cat "\${part#*=}"; done >>"\${10}"`,
  ip: `
${record}
case "$*" in
  '-json -details address') cat "$STAND_IN/ip-address" ;;
  '-json neighbour show') cat "$STAND_IN/neighbours" 2>/dev/null || echo '[]' ;;
  *) ${refuse('ip')} ;;
esac`,
  curl: `${record}; ${refuse('curl')}`,
  gpgv: `${record}; ${refuse('gpgv')}`,
  npm: `echo 10.9.2`,
  'qemu-system-x86_64': `${record}; cat >/dev/null; cat "$STAND_IN/no-kvm" >&2 2>/dev/null && exit 1; true`,
}

export interface RunOptions {
  env?: Record<string, string>
  input?: string
  /** Typed once `question` is on stdout, instead of `input`. */
  answer?: { question: string; keys: string }
  /** Called with all of stderr so far whenever there is more. */
  onStderr?: (text: string, child: ChildProcess) => void
  /** By way of zx, as people do. */
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

/** A host with a project folder in it. */
export class FakeHost {
  readonly folder: string
  /** The project folder: the scripts' current one. */
  readonly project: string
  readonly state: string
  readonly bin: string

  constructor(t: Test, change?: (lab: RawLab) => unknown, folder = t.testdir()) {
    this.folder = folder
    this.project = join(this.folder, 'project')
    this.state = join(this.folder, 'stand-in')
    this.bin = join(this.folder, 'bin')
    const made = 'project/cloud-init stand-in/guests stand-in/network stand-in/files/dev bin home'
    for (const folder of `${made} stand-in/files/proc stand-in/files/var/log/libvirt/qemu`.split(
      ' ',
    ))
      mkdirSync(join(this.folder, folder), { recursive: true })
    for (const tool of realTools.split(' ')) this.link(tool)
    symlinkSync(join(import.meta.dirname, 'virsh.sh'), join(this.bin, 'virsh'))
    for (const [name, script] of Object.entries(standIns)) this.add(name, script)
    cpSync(join(top, 'cloud-init'), join(this.project, 'cloud-init'), { recursive: true })
    this.put(
      'ip-address',
      fixture('ip-address.iproute2-6.1.0.json').replaceAll('192.168.1.', '192.0.2.'),
    )
    this.put('files/dev/kvm', '')
    this.put('files/proc/meminfo', 'MemAvailable:   33554432 kB\n')
    this.writeLab(change)
    writeFileSync(join(this.project, 'image.qcow2'), qcow2(2 ** 31))
  }

  /** Puts a stand-in into PATH, instead of one that is there. */
  add(name: string, script: string): void {
    rmSync(join(this.bin, name), { force: true })
    writeFileSync(join(this.bin, name), `#!/bin/bash\n${script}\n`)
    chmodSync(join(this.bin, name), 0o755)
  }
  /** The machine's own tool. */
  link(name: string): void {
    rmSync(join(this.bin, name), { force: true })
    const folder = (process.env.PATH ?? '')
      .split(delimiter)
      .concat('/usr/sbin', '/sbin')
      .find((folder) => existsSync(join(folder, name)))
    if (folder) symlinkSync(join(folder, name), join(this.bin, name))
  }
  without(...names: string[]): void {
    for (const name of names) rmSync(join(this.bin, name), { force: true })
  }
  put(name: string, text: string): void {
    writeFileSync(join(this.state, name), text)
  }
  /** Puts a volume into the pool, as somebody might have made it. */
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
    const preload = [
      join(import.meta.dirname, 'fake-machine.js'),
      join(top, 'lib/runtime/register.js'),
    ]
    return [
      process.execPath,
      ...preload.map((file) => `--import=${pathToFileURL(file).href}`),
      ...['DEP0190', 'ExperimentalWarning'].map((name) => `--disable-warning=${name}`),
      ...(npx ? [join(top, 'node_modules/zx/build/cli.js')] : []),
      join(top, `scripts/${script}.ts`),
      ...words,
    ]
  }
  get env(): Record<string, string> {
    const home = join(this.folder, 'home')
    return { PATH: this.bin, HOME: home, STAND_IN: this.state, FIXTURES: fixtures }
  }
  run(script: string, words: string[] = [], options: RunOptions = {}): Promise<Result> {
    const before = this.callsSoFar().length
    const command = this.command(script, words, options.npx)
    const [program = '', ...args] = options.terminal
      ? ['script', '-qec', command.map(quote).join(' '), '/dev/null']
      : command
    const child = spawn(program, args, {
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
  protected lines(name: string): string[] {
    const file = join(this.state, name)
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  }
}

/** Whether a call of a stand-in changes something. */
export const isChange = (call: string) =>
  /^virsh -c \S+ (?!-q|domstate|domcapabilities)/.test(call) || /^(genisoimage|curl)/.test(call)

/** The head of a qcow2 image of that virtual size. */
export function qcow2(size: number): Buffer {
  const head = Buffer.alloc(512)
  head.write('QFI\xfb', 'latin1')
  head.writeUInt32BE(3, 4)
  head.writeBigUInt64BE(BigInt(size), 24)
  return head
}
