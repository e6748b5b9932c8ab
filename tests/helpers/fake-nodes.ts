// Machines behind a stand-in host, for the scripts that work on them over SSH: fake-node.sh says what they can.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
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
import { FakeHost, top, type Result } from './fake-bin.ts'
import type { RawLab } from './labs.ts'

export const version = 'v1.35.7+rke2r1'
/** What the cluster's token ends with. */
export const secret = 'secret-of-the-cluster'

const standIn = join(import.meta.dirname, 'fake-node.sh')
const played =
  'sudo sh systemctl journalctl kubectl curl wget df id tar iptables apparmor_parser cloud-init'
const realTools =
  'bash env awk cat chmod cmp cp cut date grep gzip head install ln ls mkdir mktemp mv rm sed sha256sum sort stat tail test timeout touch uname'

const uninstall = `#!/bin/bash
cd "$RKE2_STAND_IN_ROOT" && rm -rf run/rke2-* etc/rancher var/lib/rancher usr/local/*
`

const onHost = ['project/.lab', 'home']
const elsewhere = ['stand-in/nodes', 'stand-in/cluster']

/** A stand-in host whose machines are there and up; `machines: false` leaves making them to create.ts. */
export class FakeNodes extends FakeHost {
  constructor(
    t: Test,
    change?: (lab: RawLab) => unknown,
    { machines = true, folder }: { machines?: boolean; folder?: string } = {},
  ) {
    super(
      t,
      (lab) => {
        lab.rke2.mirror = 'http://mirror.test/rke2'
        change?.(lab)
      },
      folder,
    )
    for (const name of ['cut', 'env']) this.link(name)
    for (const name of ['ssh', 'scp', 'curl']) {
      this.without(name)
      symlinkSync(standIn, join(this.bin, name))
    }
    const preload = pathToFileURL(join(import.meta.dirname, 'fake-machine.js')).href
    this.add('node', `exec '${process.execPath}' --import='${preload}' "$@"`)
    cpSync(join(top, 'rke2'), join(this.project, 'rke2'), { recursive: true })
    for (const place of elsewhere) mkdirSync(join(this.folder, place))
    this.put('rke2.yaml', readFileSync(join(top, 'tests/fixtures/rke2.yaml'), 'utf8'))
    this.makeNodePrograms()
    this.makeRelease(version)
    if (machines) this.bootMachines()
  }

  private makeNodePrograms(): void {
    const bin = join(this.state, 'node-bin')
    mkdirSync(join(bin, 'real'), { recursive: true })
    for (const name of played.split(' ')) symlinkSync(standIn, join(bin, name))
    const find = (name: string) =>
      execFileSync('bash', ['-c', 'type -P "$0"', name], { encoding: 'utf8' }).trim()
    for (const name of realTools.split(' ')) symlinkSync(find(name), join(bin, name))
    symlinkSync(find('tar'), join(bin, 'real/tar'))
    this.put(
      'node-env',
      'command_not_found_handle() { [[ $1 = rke2 ]] || echo "on $root: $*" >>"$STAND_IN/unknown"; return 127; }\n',
    )
  }

  /** Puts a release into the mirror: the installer of the RKE2 stand-in, and a program that knows its version. */
  makeRelease(version: string): void {
    const folder = join(this.state, 'mirror/rke2', version)
    const stage = join(this.folder, 'stage')
    for (const name of ['bin', 'lib/systemd/system'])
      mkdirSync(join(stage, name), { recursive: true })
    const rke2 = readFileSync(join(import.meta.dirname, 'fake-rke2.sh'), 'utf8')
    writeFileSync(join(stage, 'bin/rke2'), rke2.replace('VERSION', version))
    writeFileSync(join(stage, 'bin/rke2-uninstall.sh'), uninstall)
    for (const name of ['rke2', 'rke2-uninstall.sh']) chmodSync(join(stage, 'bin', name), 0o755)
    for (const role of ['server', 'agent'])
      writeFileSync(join(stage, `lib/systemd/system/rke2-${role}.service`), '[Service]\n')
    mkdirSync(folder, { recursive: true })
    cpSync(join(top, 'tests/stand-in/install.sh'), join(folder, 'install.sh'))
    const archive = join(folder, 'rke2.linux-amd64.tar.gz')
    execFileSync('tar', ['-czf', archive, '-C', stage, 'bin', 'lib'])
    const digest = createHash('sha256').update(readFileSync(archive)).digest('hex')
    writeFileSync(join(folder, 'sha256sum-amd64.txt'), `${digest}  rke2.linux-amd64.tar.gz\n`)
  }

  /** As create and eject leave them. */
  private bootMachines(): void {
    mkdirSync(join(this.project, '.lab/lab'), { recursive: true, mode: 0o700 })
    writeFileSync(join(this.project, '.lab/lab/ssh_config'), '')
    const { nodes } = parse(readFileSync(join(this.project, 'lab.yaml'), 'utf8')) as RawLab
    for (const { name } of nodes) this.boot(String(name))
  }
  /** A machine is up; `anew` gives it an empty disk. */
  boot(name: string, { anew = false } = {}): void {
    mkdirSync(join(this.state, 'domains', name), { recursive: true })
    this.put(`domains/${name}/state`, 'running\n')
    if (anew) rmSync(join(this.state, 'nodes', name), { recursive: true })
    this.onNode(name, 'etc/machine-id', `${anew ? 'another ' : ''}machine of ${name}\n`)
  }

  /** A file of a node; with `text` it is written. */
  onNode(name: string, file: string, text?: string): string {
    const path = join(this.state, 'nodes', name, file)
    if (text === undefined) return existsSync(path) ? readFileSync(path, 'utf8') : ''
    for (const folder of ['home', 'run', 'usr/local/bin', 'var/lib', join(file, '..')])
      mkdirSync(join(this.state, 'nodes', name, folder), { recursive: true })
    writeFileSync(path, text)
    return text
  }
  /** What was wrong with a node is so no more. */
  mend(name: string, wrong = 'fault'): void {
    rmSync(join(this.state, 'nodes', name, wrong))
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
      .filter((entry) => entry.isFile() && !['lock', 'journal'].includes(entry.name))
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
    for (const place of [...onHost, ...elsewhere]) {
      rmSync(join(to, place), { recursive: true, force: true })
      mkdirSync(join(to, place, '..'), { recursive: true })
      execFileSync('cp', ['-a', join(from, place), join(to, place)])
    }
  }

  override get env(): Record<string, string> {
    return { ...super.env, HASTE: '30', NODE: join(this.bin, 'node') }
  }
}

/** The commands that a script showed: what it changed. */
export const shown = ({ stderr }: Result) =>
  stderr.split('\n').flatMap((line) => (line.startsWith('  $ ') ? [line.slice(4)] : []))

/** Runs a script that must succeed. */
export async function succeeds(
  t: Test,
  host: FakeNodes,
  script: string,
  ...words: string[]
): Promise<Result> {
  const result = await host.run(script, words)
  t.equal(result.code, 0, `${[script, ...words].join(' ')}: ${result.stderr}`)
  return result
}

/** The script ended with status 1 and said so. */
export function failed(t: Test, { code, stderr }: Result, ...texts: (string | RegExp)[]): void {
  t.equal(code, 1, 'exit status 1')
  for (const text of texts) t.match(stderr, text)
  t.notMatch(stderr, /this is a bug|Next:/)
}

/** Runs a script that has nothing to do, and says that. */
export async function idle(t: Test, host: FakeNodes, script: string, says: string): Promise<void> {
  const before = host.everything()
  const result = await succeeds(t, host, script)
  t.strictSame(shown(result), [], 'no command was run')
  t.match(result.stderr, says)
  t.strictSame(host.everything(), before)
}
