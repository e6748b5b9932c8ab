// Why a machine does not start, and the advice for the host where libvirt runs.
import t from 'tap'
import { saysKvmTaken, startTrouble } from '../../lib/libvirt/start-trouble.ts'
import { makeLab } from '../helpers/labs.ts'

const lab = makeLab()
const there = makeLab((raw) => {
  raw.libvirt = 'qemu+ssh://you@bigbox/system'
  raw.pool = '/data/rke2-kvm-lab'
})
const disk = `${lab.pool.path}/lab-kubemaster.qcow2`

await t.test('the cause is named, with what to type where libvirt runs', async (t) => {
  const cases: [typeof lab, said: string, message: RegExp, hint: (string | RegExp)[]][] = [
    [
      lab,
      `Cannot access storage file '${disk}' (as uid:64055, gid:64055): Permission denied`,
      /^QEMU runs as user 64055, who may not enter \/var\/lib/,
      [/^namei -l \/var\/lib/, /setfacl -m u:64055:x FOLDER$/],
    ],
    [
      there,
      "Cannot access storage file '/data/rke2-kvm-lab/a.qcow2' (as uid:107, gid:107): Permission denied",
      /^QEMU runs as user 107, who may not enter \/data\/rke2-kvm-lab$/,
      [
        "# on bigbox: ssh -t you@bigbox 'namei -l /data/rke2-kvm-lab'",
        /^# on bigbox: for each folder/,
      ],
    ],
    [
      lab,
      `internal error: process exited while connecting to monitor: qemu-system-x86_64: -blockdev {"filename":"${disk}"}: Could not open '${disk}': Permission denied`,
      /^AppArmor or SELinux does not let QEMU open the disks in \/var\/lib/,
      [/^sudo journalctl -k -b -g/, /semanage fcontext -a -t virt_image_t/, /restorecon/, /pool/],
    ],
    [
      lab,
      'internal error: process exited while connecting to monitor: ioctl(KVM_CREATE_VM) failed: 16 Device or resource busy\nqemu-system-x86_64: failed to initialize kvm: Device or resource busy',
      /^another hypervisor has taken/,
      [/^# close its machines \(VirtualBox, VMware\): ps -e/],
    ],
    [
      there,
      'failed to initialize kvm: Device or resource busy',
      /^another/,
      [/^# on bigbox: close/],
    ],
  ]
  for (const [lab, said, message, hint] of cases)
    t.match(startTrouble(lab, said), { message, hint })
  for (const said of ['odd', "Could not open '/etc/passwd': Permission denied", 'disk is busy'])
    t.equal(startTrouble(lab, said), undefined, said)
  t.notOk(saysKvmTaken('Could not access KVM kernel module: Permission denied'))
})
