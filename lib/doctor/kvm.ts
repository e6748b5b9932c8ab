// PURE. Whether KVM works, or QEMU must emulate the processor.
import { namedImage } from '../lab/images.ts'
import type { Lab } from '../lab/lab.ts'
import { giveKvmBack, kvmTaken, saysKvmTaken } from '../libvirt/start-trouble.ts'
import { lookedAt, type Capabilities, type Facts, type HostFacts, type Kvm } from './facts.ts'
import { isMade } from './ownership.ts'
import { failure, ok, warning, type Finding } from '../text/findings.ts'

const noDevice =
  'there is no /dev/kvm: virtualisation is off in the firmware, or this is a VM without nested virtualisation'

/** The result of trying KVM on this host; undefined when libvirt has to be asked. */
export function triedKvm(lab: Lab, here: HostFacts): Kvm | undefined {
  if (lab.domainType === 'qemu')
    return { works: false, why: 'not used: domainType is qemu, software emulation' }
  const { arch } = processorOf(here)
  if (arch !== undefined && arch !== 'x86_64')
    return { works: false, why: `the host is ${arch}, the machines are x86-64`, cause: 'foreign' }
  const answer = lookedAt(() => here('kvm'))
  if (answer === 'works') return { works: true, why: 'QEMU starts with it' }
  if (answer === 'none') return { works: false, why: noDevice }
  const [, status, said] = /^fails (\d+) ?(.*)/.exec(answer ?? '') ?? []
  if (status === undefined) return undefined
  const why = `QEMU cannot use it: ${said || `exit ${status}`}`
  return { works: false, why, ...(saysKvmTaken(answer ?? '') ? { cause: 'taken' as const } : {}) }
}

const names: Record<string, string> = { aarch64: 'arm64', armv7l: 'arm' }

/** The processor's kind and abilities; undefined when there is no answer. */
function processorOf(here: HostFacts): { arch?: string; lacks?: string[] } {
  const answer = lookedAt(() => here('processor'))
  if (!answer) return {}
  const [kind = '', flags = ''] = answer.split('\n')
  const has = new Set(flags.split(/[\s:]+/))
  return { arch: names[kind] ?? kind, lacks: level3.filter((flag) => !has.has(flag)) }
}

/** What x86-64-v3 has more than older processors, as the kernel calls it (abm: lzcnt). */
const level3 = 'avx avx2 bmi1 bmi2 f16c fma abm movbe'.split(' ')

/** An image by name may want a newer processor than this one, which the machines get as it is. */
function checkLevel({ lab, nodes, host, here, kvm }: Facts): Finding[] {
  const level = lab.image.name && namedImage(lab.image.name).processor
  const isNeeded = !host || nodes.some((node) => !isMade(host, lab, node))
  if (!level || !isNeeded || domainTypeFor(lab, kvm) !== 'kvm') return []
  const { lacks = [] } = processorOf(here)
  if (lacks.length === 0) return []
  const found = `${lab.image.name} needs a processor of the level ${level}; this one lacks ${lacks.join(' ')}`
  return [failure('KVM', found, '# name another image in the lab file, such as debian-13')]
}

/** KVM according to libvirt. */
export function saidOfKvm(said: Capabilities): Kvm {
  if (isSilent(said)) return { works: undefined, why: 'libvirt does not answer' }
  if (said.code !== 0) return { works: false, why: said.stderr }
  return { works: true, why: 'libvirt says that it works; this user cannot try it' }
}

// Without virsh or libvirt; another check reports that.
const isSilent = ({ code, stderr }: Capabilities) =>
  code === 127 || /failed to connect/i.test(stderr)

/** KVM against the lab file, and whether libvirt finds QEMU. */
export const checkKvm = (facts: Facts): Finding[] => [
  judge(facts.lab, facts.kvm, facts.emulator),
  ...checkLevel(facts),
]

function judge(lab: Lab, kvm: Kvm, emulator: Capabilities | undefined): Finding {
  if (kvm.works) return ok('KVM', kvm.why)
  if (emulator && emulator.code !== 0 && !isSilent(emulator)) {
    const [, why] = /(?:^|\n)(?:error: )?([^\n]*)$/.exec(emulator.stderr) ?? []
    const host = kvm.cause === 'foreign' ? ` (${kvm.why})` : ''
    return failure(
      'QEMU',
      `libvirt has no QEMU for x86_64: ${why}${host}`,
      '# install QEMU for x86_64',
    )
  }
  if (lab.domainType === 'qemu') return ok('KVM', kvm.why)
  if (kvm.works === undefined) return warning('KVM', `not checked: ${kvm.why}`)
  const found = `KVM does not work here: ${kvm.why}`
  if (kvm.cause === 'taken')
    return failure(
      'KVM',
      `${kvmTaken}: ${kvm.why}`,
      giveKvmBack,
      '# machines made now would stay emulated; if you want that: domainType: qemu',
    )
  const fix =
    kvm.cause === 'foreign'
      ? ['# use a host with an x86-64 processor']
      : [
          '# enable virtualisation (VT-x, AMD-V) in the firmware: sudo systemctl reboot --firmware-setup',
          '# if this is a virtual machine: enable nested virtualisation for it',
          'sudo modprobe kvm_intel || sudo modprobe kvm_amd',
        ]
  if (lab.domainType === 'kvm') return failure('KVM', found, ...fix)
  return warning(
    'KVM',
    `${found}. QEMU will emulate the processor, at least ten times slower`,
    ...fix,
  )
}

/** The type that a machine would get now; undefined when only libvirt knows. */
export function typeNow(lab: Lab, here: HostFacts): 'kvm' | 'qemu' | undefined {
  const kvm = triedKvm(lab, here)
  if (lab.domainType !== 'auto') return lab.domainType
  return kvm && kvm.cause !== 'taken' ? domainTypeFor(lab, kvm) : undefined
}

/** The domain type; `auto` is resolved. */
export const domainTypeFor = (lab: Lab, { works }: Kvm): 'kvm' | 'qemu' =>
  works || lab.domainType === 'kvm' ? 'kvm' : 'qemu'
