// EDGE. Whether KVM truly works, or QEMU must emulate the processor.
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { isLocal } from './libvirt.ts'
import { failure, ok, warning, type Finding } from './findings.ts'
import type { Lab } from '../lab/lab.ts'
import { virsh } from '../libvirt/observe.ts'
import { query, queryWithin } from '../shell/shell.ts'

/** Whether KVM truly works: QEMU is started with it for a moment; undefined when nobody can be asked. */
export async function probeKvm(lab: Lab): Promise<{ works: boolean | undefined; why: string }> {
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
    if (mayUse && (await query`command -v qemu-system-x86_64`).code === 0) return startWithKvm()
  }
  const { code, stderr } = await capabilities(lab, 'kvm')
  if (isSilent(code, stderr)) return { works: undefined, why: 'libvirt does not answer' }
  return {
    works: code === 0,
    why: code === 0 ? 'libvirt says so; this user cannot try it' : stderr,
  }
}

const capabilities = (lab: Lab, type: 'kvm' | 'qemu') =>
  query`${virsh(lab)} domcapabilities --virttype ${type} --arch x86_64 --machine q35`

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
  return { works: false, why: `QEMU cannot use it: ${stderr.split('\n')[0] ?? `exit ${code}`}` }
}

// There is no virsh, or no libvirt behind it: told elsewhere.
const isSilent = (code: number, stderr: string) => code === 127 || /failed to connect/i.test(stderr)

// libvirt looks for QEMU where its distribution has it.
async function missingQemu(lab: Lab): Promise<Finding | undefined> {
  const { code, stderr } = await capabilities(lab, 'qemu')
  if (code === 0 || isSilent(code, stderr)) return undefined
  return failure(
    'QEMU',
    `libvirt has no QEMU for x86_64: ${stderr
      .split('\n')
      .at(-1)
      ?.replace(/^error: /, '')}`,
    'sudo apt-get install --yes qemu-system-x86',
  )
}

/** KVM against what the lab file asks for. */
export async function checkKvm(lab: Lab): Promise<{ type: 'kvm' | 'qemu'; finding: Finding }> {
  const kvm =
    lab.domainType === 'qemu'
      ? { works: false, why: 'not used: domainType is qemu, software emulation' }
      : await probeKvm(lab)
  if (kvm.works) return { type: 'kvm', finding: ok('KVM', kvm.why) }
  const type = lab.domainType === 'kvm' ? 'kvm' : 'qemu'
  const missing = await missingQemu(lab)
  if (missing) return { type, finding: missing }
  if (lab.domainType === 'qemu') return { type, finding: ok('KVM', kvm.why) }
  if (kvm.works === undefined) return { type, finding: warning('KVM', `not looked at: ${kvm.why}`) }
  const found = `KVM does not work here: ${kvm.why}`
  const fix = [
    '# switch on virtualisation (VT-x, AMD-V) in the firmware; in a VM: nested virtualisation',
    'sudo modprobe kvm_intel || sudo modprobe kvm_amd',
  ]
  const slow = `${found}. QEMU will emulate the processor: ten times slower and more`
  const finding = type === 'kvm' ? failure('KVM', found, ...fix) : warning('KVM', slow, ...fix)
  return { type, finding }
}
