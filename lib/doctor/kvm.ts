// PURE. Whether KVM works, or QEMU must emulate the processor.
import type { Lab } from '../lab/lab.ts'
import { lookedAt, type Capabilities, type Facts, type HostFacts, type Kvm } from './facts.ts'
import { failure, ok, warning, type Finding } from '../text/findings.ts'

const noDevice =
  'there is no /dev/kvm: virtualisation is off in the firmware, or this is a VM without nested virtualisation'

/** The result of trying KVM on this host; undefined when libvirt has to be asked. */
export function triedKvm(lab: Lab, here: HostFacts): Kvm | undefined {
  if (lab.domainType === 'qemu')
    return { works: false, why: 'not used: domainType is qemu, software emulation' }
  const answer = lookedAt(() => here('kvm'))
  if (answer === 'works') return { works: true, why: 'QEMU starts with it' }
  if (answer === 'none') return { works: false, why: noDevice }
  const [, status, said] = /^fails (\d+) ?(.*)/.exec(answer ?? '') ?? []
  if (status === undefined) return undefined
  return { works: false, why: `QEMU cannot use it: ${said || `exit ${status}`}` }
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
export const checkKvm = ({ lab, kvm, emulator }: Facts): Finding[] => [judge(lab, kvm, emulator)]

function judge(lab: Lab, kvm: Kvm, emulator: Capabilities | undefined): Finding {
  if (kvm.works) return ok('KVM', kvm.why)
  if (emulator && emulator.code !== 0 && !isSilent(emulator)) {
    const [, why] = /(?:^|\n)(?:error: )?([^\n]*)$/.exec(emulator.stderr) ?? []
    return failure('QEMU', `libvirt has no QEMU for x86_64: ${why}`, '# install QEMU for x86_64')
  }
  if (lab.domainType === 'qemu') return ok('KVM', kvm.why)
  if (kvm.works === undefined) return warning('KVM', `not checked: ${kvm.why}`)
  const found = `KVM does not work here: ${kvm.why}`
  const fix = [
    '# enable virtualisation (VT-x, AMD-V) in the firmware; in a VM: nested virtualisation',
    'sudo modprobe kvm_intel || sudo modprobe kvm_amd',
  ]
  if (lab.domainType === 'kvm') return failure('KVM', found, ...fix)
  return warning(
    'KVM',
    `${found}. QEMU will emulate the processor, at least ten times slower`,
    ...fix,
  )
}

/** The domain type; `auto` is resolved. */
export const domainTypeFor = (lab: Lab, { works }: Kvm): 'kvm' | 'qemu' =>
  works || lab.domainType === 'kvm' ? 'kvm' : 'qemu'
