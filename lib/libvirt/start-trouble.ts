// PURE. What libvirt says when a machine does not start -> why, and what helps, on the host where it runs.
import type { Lab } from '../lab/lab.ts'
import { LabError } from '../text/errors.ts'
import { quote } from '../text/quote.ts'
import { adviceFor } from './trouble.ts'

/** Whether QEMU says that another hypervisor holds the processor's virtualisation (EBUSY). */
export const saysKvmTaken = (said: string): boolean =>
  /kvm/i.test(said) && /device or resource busy/i.test(said)

export const kvmTaken = "another hypervisor has taken the processor's virtualisation"

/** How to see what holds it. */
export const giveKvmBack =
  "# close its machines (VirtualBox, VMware): ps -e | grep -E 'VBox|VirtualBox|vmware-vmx'"

/** SELinux lets QEMU into folders of this label. */
export const relabel = (folder: string): string[] => [
  `# SELinux: sudo semanage fcontext -a -t virt_image_t ${quote(`${folder}(/.*)?`)}`,
  `# and then: sudo restorecon -R ${quote(folder)}`,
]

/** The cause of a failed start; undefined when nobody knows it. */
export function startTrouble(lab: Lab, said: string): LabError | undefined {
  const isDenied = /permission denied/i.test(said) && said.includes(lab.pool.path)
  if (!isDenied && !saysKvmTaken(said)) return undefined
  const [problem, hint] = isDenied ? denied(lab.pool.path, said) : [kvmTaken, [giveKvmBack]]
  return new LabError(problem, {
    details: [said.split('\n').at(-1) ?? ''],
    hint: adviceFor(lab.libvirt, hint),
  })
}

// libvirt tries to open the file as QEMU's user before QEMU does: then only AppArmor and SELinux are left.
function denied(path: string, said: string): [problem: string, hint: string[]] {
  const [, uid] = /cannot access storage file .*\(as uid:(\d+)/i.exec(said) ?? []
  if (uid !== undefined)
    return [
      `QEMU runs as user ${uid}, who may not enter ${path}`,
      [`namei -l ${quote(path)}`, `# for each folder without x: sudo setfacl -m u:${uid}:x FOLDER`],
    ]
  return [
    `AppArmor or SELinux does not let QEMU open the disks in ${path}`,
    [
      "sudo journalctl -k -b -g 'DENIED|avc: +denied'",
      ...relabel(path),
      '# AppArmor refuses hidden folders of a home: name another one in the lab file (pool)',
    ],
  ]
}
