// EDGE. Whether KVM truly works, or QEMU must emulate the processor.
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { isLocal } from './check-libvirt.ts'
import { failure, ok, warning, type Finding } from './findings.ts'
import type { Lab } from './lab.ts'
import { virsh } from './libvirt.ts'
import { query, queryWithin } from './shell.ts'

/** Whether KVM truly works: QEMU is started with it for a moment. */
export async function probeKvm(lab: Lab): Promise<{ works: boolean; why: string }> {
  if (isLocal(lab.libvirt)) {
    const mayUse = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
      () => true,
      (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : false),
    )
    if (mayUse === undefined)
      return {
        works: false,
        why: 'there is no /dev/kvm: virtualisation is off in the firmware, or this is a VM without nested virtualisation',
      }
    if (mayUse) return startWithKvm()
  }
  const { code, stderr } =
    await query`${virsh(lab)} domcapabilities --virttype kvm --arch x86_64 --machine q35`
  return { works: code === 0, why: code === 0 ? 'libvirt says so' : stderr }
}

async function startWithKvm(): Promise<{ works: boolean; why: string }> {
  const options = [
    '-machine',
    'q35',
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-nodefaults',
    '-display',
    'none',
  ]
  const { code, stderr } = await queryWithin(
    15,
  )`echo quit | timeout 10 qemu-system-x86_64 ${options} -S -monitor stdio`
  if (code === 0) return { works: true, why: 'QEMU starts with it' }
  if (code === 127)
    return {
      works: false,
      why: 'qemu-system-x86_64 is not installed (sudo apt-get install qemu-system-x86)',
    }
  return { works: false, why: `QEMU cannot use it: ${stderr.split('\n')[0] ?? `exit ${code}`}` }
}

/** KVM against what the lab file asks for. */
export async function checkKvm(lab: Lab): Promise<{ type: 'kvm' | 'qemu'; finding: Finding }> {
  if (lab.domainType === 'qemu')
    return { type: 'qemu', finding: ok('KVM', 'not used: domainType is qemu, software emulation') }
  const { works, why } = await probeKvm(lab)
  if (works) return { type: 'kvm', finding: ok('KVM', why) }
  const found = `KVM does not work here: ${why}`
  const fix = [
    '# switch on virtualisation (VT-x, AMD-V) in the firmware; in a VM: nested virtualisation',
    'sudo modprobe kvm_intel || sudo modprobe kvm_amd',
  ]
  if (lab.domainType === 'kvm') return { type: 'kvm', finding: failure('KVM', found, ...fix) }
  return {
    type: 'qemu',
    finding: warning(
      'KVM',
      `${found}. QEMU will emulate the processor: ten times slower and more`,
      ...fix,
    ),
  }
}
