// PURE. The bash script with the questions to this host, and its answers.
import type { Lab } from '../lab/lab.ts'
import { libvirtHost } from '../libvirt/trouble.ts'
import { quote } from '../text/quote.ts'
import { parts } from '../text/sections.ts'
import { NotLookedAt, type HostFacts, type Question } from './facts.ts'
import { isoTools, neededTools } from './tools.ts'

/** The command for each question; words in capitals are functions of the script. */
const questions: Record<Question, string> = {
  tools: 'PATHS',
  npm: 'NPM',
  memory: 'cat /proc/meminfo',
  disk: 'FREE',
  kvm: 'KVM',
  interfaces: 'ip -json -details address',
  routes: 'ip -json route',
  neighbours: 'ip -json neighbour show',
  forwards: 'TEXT /proc/sys/net/ipv4/ip_forward',
  filters: 'TEXT /proc/sys/net/bridge/bridge-nf-call-iptables',
  rules: 'RULES',
  backend: 'BACKEND',
}

// The scripts need tools on this host; the machines need devices and networks on libvirt's host.
const isAsked = ({ libvirt, domainType }: Lab, question: Question) =>
  question === 'tools' ||
  question === 'npm' ||
  (libvirtHost(libvirt).isHere && (question !== 'kvm' || domainType !== 'qemu'))

/** Prints each answer after a line with its question, then its exit status and stderr. */
export const lookScript = (
  lab: Lab,
  asked: Question[],
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
FREE() { # in the pool's folder, or where it will be created
  local folder=${quote(lab.pool.path)}
  until test -e "$folder"; do folder=$(dirname "$folder"); done
  df --output=avail --block-size=1 "$folder"
}
KVM() {
  local said
  if ! test -e /dev/kvm; then echo none
  elif ! test -r /dev/kvm || ! test -w /dev/kvm; then echo not for this user
  elif ! command -v qemu-system-x86_64 >/dev/null; then echo no QEMU
  elif said=$(echo quit | timeout 10 qemu-system-x86_64 -machine q35 -accel kvm -cpu host -nodefaults \
    -display none -S -monitor stdio 2>&1 >/dev/null); then echo works
  else echo "fails $? $said"; fi
}
RULES() { if test '${lab.network.nat ?? ''}' || test "$(${questions.filters})" = 1; then iptables -S || true; fi; }
BACKEND() { for file in /etc/libvirt/network.conf /etc/default/ufw /etc/ufw/ufw.conf; do TEXT $file; done; }
${[...new Set(asked)]
  .filter((name) => isAsked(lab, name))
  .map((name) => `ASK ${name} ${questions[name]}`)
  .join('\n')}
`

/** Parses the output of `lookScript`. */
export function parseLook(lab: Lab, output: string): HostFacts {
  const found = parts(output)
  return (question) => {
    if (!isAsked(lab, question)) throw new NotLookedAt('libvirt is on another host', 'ok')
    const [, text = '', status, said = ''] =
      /^([^]*)\n-- (\d+)\n([^]*)$/.exec(found.get(question) ?? '') ?? []
    if (status === '0') return text.trim()
    if (status === undefined) throw new NotLookedAt('the look at this host did not finish')
    const [, program] = /([\w-]+): command not found/.exec(said) ?? []
    if (!program) throw new NotLookedAt(said.trim() || `exit ${status}`)
    throw new NotLookedAt(`the program ${program} is missing`)
  }
}
