// PURE. The bash scripts with the questions to this host and, where it is another one, to that of libvirt; their answers.
import type { Lab } from '../lab/lab.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import { sshFiles } from '../guest/ssh-files.ts'
import { hereDocument, quote } from '../text/quote.ts'
import { parts } from '../text/sections.ts'
import { NotLookedAt, type HostFacts, type Question } from './facts.ts'
import { isoTools, neededTools } from './tools.ts'

/** The command for each question; words in capitals are functions of the script. */
const questions: Record<Question, string> = {
  tools: 'PATHS',
  npm: 'NPM',
  virsh: 'VERSION virsh',
  modes: 'MODES',
  libvirt: 'VERSION virsh libvirtd virtqemud',
  folder: 'FOLDER',
  memory: 'cat /proc/meminfo',
  disk: 'FREE',
  kvm: 'KVM',
  processor: 'PROCESSOR',
  interfaces: 'ip -json -details address',
  routes: 'ip -json route',
  neighbours: 'ip -json neighbour show',
  forwards: 'TEXT /proc/sys/net/ipv4/ip_forward',
  filters: 'TEXT /proc/sys/net/bridge/bridge-nf-call-iptables',
  rules: 'RULES',
  backend: 'BACKEND',
}

// The scripts need tools and keys on this host; the machines need devices, networks and disks on libvirt's host.
const ofScripts: Question[] = ['tools', 'npm', 'virsh', 'modes']

const isAsked = ({ libvirt, domainType }: Lab, question: Question, place: 'here' | 'there') => {
  const { isHere } = libvirtHost(libvirt)
  if (question === 'kvm' && domainType === 'qemu') return false
  if (question === 'libvirt' && isHere) return false // virsh is of the same version
  return (ofScripts.includes(question) || isHere) === (place === 'here')
}

/** Prints each answer after a line with its question, then its exit status and stderr. */
export const lookScript = (
  lab: Lab,
  asked: Question[],
  place: 'here' | 'there' = 'here',
) => String.raw`set +Eeu +o pipefail; trap - ERR # each answer says how it ended
ASK() { # NAME COMMAND...
  local said status
  echo "== $1"; shift
  { said=$("$@" 2>&1 1>&3); status=$?; } 3>&1
  printf '\n-- %s\n%s\n' $status "$said"
}
TEXT() { if test -e "$1"; then cat "$1"; fi; }
NPM() { if command -v npm >/dev/null; then npm --version; else echo not found; fi; }
PATHS() { PATH=$PATH:/usr/sbin:/sbin command -v ${[...neededTools(lab), ...isoTools].join(' ')} || true; }
VERSION() { # of the first of these programs that is there
  local program
  for program; do
    if command -v "$program" >/dev/null; then "$program" --version; return; fi
  done
}
MODES() { # of a new file and of the lab's key, unless the key is as ssh wants it
  local key=${quote(sshFiles(lab).key)} file
  if test -e "$key" && [[ $(stat -c %a "$key") = [46]00 ]]; then return; fi
  if file=$(mktemp ./.mode-XXXXXX 2>/dev/null); then stat -c %a "$file"; rm -f "$file"; else echo; fi
  if test -e "$key"; then stat -c %a "$key"; fi
}
FOLDER() { # of the pool, or where it will be created, and each one above; what guards them
  local folder=${quote(lab.pool.path)}
  getenforce 2>/dev/null || grep -s Y /sys/module/apparmor/parameters/enabled || echo none
  until test -e "$folder"; do folder=$(dirname "$folder"); done
  while ls -ldZ "$folder" && [[ $folder != / ]]; do folder=$(dirname "$folder"); done
}
NEIGHBOURS() { # from there, each address is tried first
  local address
  for address in ${[...lab.nodes.map(({ address }) => address), lab.rke2.vip].filter(Boolean).join(' ')}; do
    timeout 1 bash -c ": </dev/tcp/$address/22" 2>/dev/null &
  done
  wait
  ip -json neighbour show
}
FREE() { # in the pool's folder, or where it will be created
  local folder=${quote(lab.pool.path)}
  until test -e "$folder"; do folder=$(dirname "$folder"); done
  df --output=avail --block-size=1 "$folder"
}
PROCESSOR() { uname -m; grep -m 1 '^flags' /proc/cpuinfo || true; }
KVM() {
  local said qemu
  if ! test -e /dev/kvm; then echo none
  elif ! test -r /dev/kvm || ! test -w /dev/kvm; then echo not for this user
  elif ! qemu=$(command -v qemu-system-x86_64 || command -v /usr/libexec/qemu-kvm); then echo no QEMU
  elif said=$(echo quit | timeout 10 "$qemu" -machine q35 -accel kvm -cpu host -nodefaults \
    -display none -S -monitor stdio 2>&1 >/dev/null); then echo works
  else echo "fails $? $said"; fi
}
RULES() { if test '${lab.network.nat ?? ''}' || test "$(${questions.filters})" = 1; then iptables -S || true; fi; }
BACKEND() { for file in /etc/libvirt/network.conf /etc/default/ufw /etc/ufw/ufw.conf; do TEXT $file; done; }
${[...new Set(asked)]
  .filter((name) => isAsked(lab, name, place))
  .map(
    (name) =>
      `ASK ${name} ${place === 'there' && name === 'neighbours' ? 'NEIGHBOURS' : questions[name]}`,
  )
  .join('\n')}
`

/** The same over SSH on the host of libvirt; undefined where it is this host, or not reached over SSH. */
export function lookThere(lab: Lab, asked: Question[]): string | undefined {
  const { isHere, ssh } = libvirtHost(lab.libvirt)
  const script = lookScript(lab, asked, 'there')
  if (isHere || ssh === undefined || !/^ASK /m.test(script)) return undefined
  const door = ssh.replace(/^ssh/, 'ssh -o BatchMode=yes -o ConnectTimeout=10')
  return hereDocument(`${door} bash -s`, `export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"\n${script}`)
}

/** Why the host of libvirt gave no answers; undefined when it did. */
export function whyMissed({ libvirt }: Lab, { code, stderr }: { code: number; stderr: string }) {
  const { name, ssh } = libvirtHost(libvirt)
  const said = stderr.trim().split('\n').at(-1) || `exit ${code}`
  return code === 0 ? undefined : `no look at ${name}: ${said} (by hand: ${ssh} true)`
}

/** Parses the output of the scripts. `missed`: why there is none from the host of libvirt. */
export function parseLook(lab: Lab, output: string, missed?: string): HostFacts {
  const found = parts(output)
  const { isHere, ssh } = libvirtHost(lab.libvirt)
  return (question) => {
    if (!isHere && !ofScripts.includes(question)) {
      if (ssh === undefined) throw new NotLookedAt('libvirt is on another host', 'ok')
      if (missed !== undefined) throw new NotLookedAt(missed)
    }
    const [, text = '', status, said = ''] =
      /^([^]*)\n-- (\d+)\n([^]*)$/.exec(found.get(question) ?? '') ?? []
    if (status === '0') return text.trim()
    if (status === undefined) throw new NotLookedAt('the check of this host did not finish')
    const [, program] = /([\w-]+): command not found/.exec(said) ?? []
    if (!program) throw new NotLookedAt(said.trim() || `exit ${status}`)
    throw new NotLookedAt(`the program ${program} is missing`)
  }
}
