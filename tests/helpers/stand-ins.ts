// What stands in for programs on the fake host and on its nodes, and the release of RKE2 that its mirror has.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import * as nodeModule from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { quote } from '../../lib/text/quote.ts'
import { top } from './fixtures.ts'

const here = import.meta.dirname
const preload = `--import=${pathToFileURL(join(here, 'fake-machine.js')).href}`
/** Runs node on the fake machine. */
export const fakeNode = [process.execPath, preload]
/** The same for a short life: V8 optimizes nothing and collects no garbage early; on Node 20 modules take less time. */
export const quickNode = [...fakeNode, ...quick(['--no-opt', '--min-semi-space-size=16'])]

function quick(flags: string[]): string[] {
  if ('registerHooks' in nodeModule) return flags
  const packages = join(here, 'packages-snapshot.cjs')
  const hooks = ['--expose-internals', `--require=${join(here, 'same-thread.cjs')}`]
  const file = join(top, 'node_modules/.cache/rke2-kvm-lab', snapshotName(packages))
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    const words = [...flags, `--snapshot-blob=${file}.${process.pid}`, '--build-snapshot', packages]
    execFileSync(process.execPath, words, { env: {} })
    renameSync(`${file}.${process.pid}`, file)
  }
  return [...flags, `--snapshot-blob=${file}`, `--require=${packages}`, ...hooks]
}

// Of what is in it.
function snapshotName(file: string): string {
  const digest = createHash('sha256').update(process.version + process.arch)
  for (const source of [file, join(top, 'node_modules/.package-lock.json')])
    digest.update(readFileSync(source))
  return `${digest.digest('hex').slice(0, 16)}.snapshot`
}

/** Tools of the machine that the scripts may call. */
const hostTools =
  'bash sh env cat cp cut mv rm rmdir mkdir ls sed sort head tail tr od stat paste grep sleep flock ' +
  'sha256sum sha512sum timeout touch ssh-keygen ps script dirname uniq mktemp uname tar gzip date sync'
const nodeTools =
  'bash env awk base64 cat chmod cmp cp cut find grep gzip head install ln ls mkdir mktemp mv rm sed sha256sum sort stat tail test timeout touch uname'

/** Programs of a node that fake-node.sh plays. */
const played =
  'sudo sh systemctl journalctl kubectl curl wget df id tar iptables apparmor_parser sync modprobe cloud-init systemd-run uptime crictl findmnt lsblk growpart resize2fs dumpe2fs blockdev fallocate ip tc openssl'

// The clock of a node is this machine's, which it cannot set, and the seconds in its run/ahead.
const nodeDate = `
case "$*" in
  '--utc --set @'*)
    ahead=$((\${3#@} - $("$STAND_IN/node-bin/real/date" +%s)))
    rm -f "$root/run/ahead" && test "\${ahead#-}" -lt 60 || echo "$ahead" >"$root/run/ahead"
    exit
    ;;
  *--set*) exit 97 ;;
  +%s) if test -e "$root/run/ahead"; then read -r ahead <"$root/run/ahead" && echo $(($("$STAND_IN/node-bin/real/date" +%s) + ahead)) && exit; fi ;;
esac
exec "$STAND_IN/node-bin/real/date" "$@"`

const record = `echo "\${0##*/}$(printf ' %q' "$@")" >>"$STAND_IN/calls"`
const refuse = (name: string) =>
  `echo "${name} $*" >>"$STAND_IN/unknown"; echo "the stand-in ${name} does not know: $*" >&2; exit 97`

/** The stand-ins that are small enough to be written here. */
const scripts: Record<string, string> = {
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
  '-json route') cat "$STAND_IN/routes" 2>/dev/null || echo '[]' ;;
  '-json neighbour show') cat "$STAND_IN/neighbours" 2>/dev/null || echo '[]' ;;
  *) ${refuse('ip')} ;;
esac`,
  df: `
[[ $* = '--output=avail --block-size=1 /'* ]] || { ${refuse('df')}; }
printf '%12s\n' Avail 274877906944`, // 256 GiB
  // An ordinary user; the groups are those of the database and of this login.
  id: `case "$*" in -u) echo 1000 ;; -un) echo me ;; '-nG me') cat "$STAND_IN/groups" ;; -nG) cat "$STAND_IN/login" 2>/dev/null || cat "$STAND_IN/groups" ;; *) ${refuse('id')} ;; esac`,
  ...Object.fromEntries(
    ['dnsmasq', 'libvirtd', 'qemu-img', 'sudo'].map((name) => [name, `${record}; ${refuse(name)}`]),
  ),
  gpgv: `${record}; ${refuse('gpgv')}`,
  node: `exec ${quickNode.map(quote).join(' ')} "$@"`,
  npm: `echo 10.9.2`,
  'qemu-system-x86_64': `${record}; cat >/dev/null; cat "$STAND_IN/no-kvm" >&2 2>/dev/null && exit 1; true`,
}

/** Puts a stand-in into a folder. */
export function writeProgram(folder: string, name: string, script: string, shell = 'bash'): void {
  writeFileSync(join(folder, name), `#!/bin/${shell}\n${script}\n`)
  chmodSync(join(folder, name), 0o755)
}

/** The machine's own tool; undefined when it has none. */
export const findTool = (name: string): string | undefined =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))

function linkTools(folder: string, names: string): void {
  for (const name of names.split(' ')) {
    const file = findTool(name)
    if (file) symlinkSync(file, join(folder, name))
  }
}

/** The host's programs. */
export function fillHostBin(bin: string): void {
  linkTools(bin, hostTools)
  symlinkSync(join(here, 'virsh.sh'), join(bin, 'virsh'))
  for (const name of ['ssh', 'scp', 'curl'])
    symlinkSync(join(here, 'fake-node.sh'), join(bin, name))
  for (const [name, script] of Object.entries(scripts)) writeProgram(bin, name, script)
}

/** The nodes' programs; any other one fails the test. */
export function fillNodeBin(state: string): void {
  const bin = join(state, 'node-bin')
  mkdirSync(join(bin, 'real'), { recursive: true })
  for (const name of played.split(' ')) symlinkSync(join(here, 'fake-node.sh'), join(bin, name))
  linkTools(bin, nodeTools)
  linkTools(join(bin, 'real'), 'tar date')
  writeProgram(bin, 'date', nodeDate, 'sh')
  writeFileSync(
    join(state, 'node-env'),
    `command_not_found_handle() { [[ $1 = rke2 ]] || echo "on $root: $*" >>"$STAND_IN/unknown"; return 127; }
modprobe() { [[ ! -e $root/run/no-modules ]] || command modprobe "$@"; }
`,
  )
}

const killall = `cd "$RKE2_STAND_IN_ROOT/run" && for unit in rke2-*; do if [[ -e $unit ]]; then echo inactive >"$unit"; fi; done; rm -f pods`
const uninstall = `cd "$RKE2_STAND_IN_ROOT" && rm -rf run/rke2-* run/pods etc/rancher var/lib/rancher usr/local/*`

/** Puts a release into a mirror: the installer of the RKE2 stand-in, and a program that knows its version. */
export function makeRelease(mirror: string, version: string): void {
  const folder = join(mirror, 'rke2', version)
  const stage = join(mirror, 'stage')
  for (const name of ['bin', 'lib/systemd/system'])
    mkdirSync(join(stage, name), { recursive: true })
  const rke2 = readFileSync(join(here, 'fake-rke2.sh'), 'utf8')
  writeFileSync(join(stage, 'bin/rke2'), rke2.replace('VERSION', version), { mode: 0o755 })
  writeProgram(join(stage, 'bin'), 'rke2-killall.sh', killall)
  writeProgram(join(stage, 'bin'), 'rke2-uninstall.sh', uninstall)
  for (const role of ['server', 'agent'])
    writeFileSync(join(stage, `lib/systemd/system/rke2-${role}.service`), '[Service]\n')
  mkdirSync(folder, { recursive: true })
  cpSync(join(top, 'tests/stand-in/install.sh'), join(folder, 'install.sh'))
  const archive = join(folder, 'rke2.linux-amd64.tar.gz')
  execFileSync('tar', ['-czf', archive, '-C', stage, 'bin', 'lib'])
  const digest = createHash('sha256').update(readFileSync(archive)).digest('hex')
  writeFileSync(join(folder, 'sha256sum-amd64.txt'), `${digest}  rke2.linux-amd64.tar.gz\n`)
}

/** The head of a qcow2 image of that virtual size. */
export function qcow2(size: number): Buffer {
  const head = Buffer.alloc(512)
  head.write('QFI\xfb', 'latin1')
  head.writeUInt32BE(3, 4)
  head.writeBigUInt64BE(BigInt(size), 24)
  return head
}
