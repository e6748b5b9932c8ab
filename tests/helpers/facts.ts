// Facts for the checks: a healthy host, with something changed.
import type { AllFacts } from '../../lib/doctor/all-checks.ts'
import { NotLookedAt, type HostFacts, type Question } from '../../lib/doctor/facts.ts'
import type { Domain } from '../../lib/libvirt/host.ts'
import type { Host } from '../../lib/libvirt/observe.ts'
import { fixture } from './fixtures.ts'
import { makeLab, type RawLab } from './labs.ts'

export const emptyHost: Host = { domains: [], volumeNames: [], volumes: [], formerNetworks: [] }

const ipAddress = fixture('ip-address.iproute2-6.1.0.json').replaceAll('192.168.1.', '192.0.2.')

export type Answers = Partial<Record<Question, string>>

const fine: Record<Question, string> = {
  tools: 'virsh ssh ssh-keygen curl flock sha256sum genisoimage qemu-img dnsmasq gpgv'.replaceAll(
    /(\S+) ?/g,
    '/usr/bin/$1\n',
  ),
  npm: '10.9.2',
  virsh: '9.0.0',
  modes: '',
  libvirt: '9.0.0',
  folder: 'none\ndrwxr-xr-x 2 root root ? 4096 Nov  1 10:00 /var/lib/libvirt/images',
  memory: 'MemTotal: 41943040 kB\nMemAvailable:   33554432 kB',
  disk: 'Avail\n274877906944',
  kvm: 'works',
  processor: 'x86_64\nflags : vmx avx avx2 bmi1 bmi2 f16c fma abm movbe',
  interfaces: ipAddress,
  routes: '[]',
  neighbours: '[]',
  forwards: '1',
  filters: '',
  rules: '',
  backend: 'iptables',
}

/** Answers of this host; there is none to the questions in `failed`. */
export const hereWith =
  (answers: Answers = {}, ...failed: Question[]): HostFacts =>
  (question) => {
    if (failed.includes(question)) throw new NotLookedAt('it is broken')
    return { ...fine, ...answers }[question]
  }

/** All facts, of the lab that `change` made. */
export function factsWith(
  more: Partial<AllFacts> = {},
  change?: (lab: RawLab) => unknown,
): AllFacts {
  const lab = makeLab(change)
  return {
    lab,
    nodes: lab.nodes,
    host: emptyHost,
    here: hereWith(),
    knocks: lab.nodes.map((node) => ({ node, answer: 'silent' })),
    kvm: { works: true, why: 'QEMU starts with it' },
    emulator: undefined,
    trouble: undefined,
    image: 'not needed',
    node: '24.1.0',
    proxy: undefined,
    ...more,
  }
}

/** A domain of this lab. */
export const domainOf = (name: string, more: Partial<Domain> = {}): Domain => ({
  name,
  uuid: '14ab7fab-a138-836d-8043-8e0592d36cb9',
  owner: { lab: 'lab', role: 'agent', address: '192.0.2.9' },
  state: 'shut off',
  persistent: true,
  autostart: false,
  type: 'kvm',
  vcpus: 2,
  memory: 2 ** 30,
  macs: [],
  files: [],
  targets: [],
  seed: {},
  ...more,
})

/** A domain of an unknown owner. */
export function strangerOf(name: string, more: Partial<Domain> = {}): Domain {
  const { owner: _, ...rest } = domainOf(name)
  return { ...rest, ...more }
}

/** What was found at a level. */
export const only = (level: string, found: Iterable<{ level: string; found: string }>) =>
  [...found].filter((finding) => finding.level === level).map((finding) => finding.found)
