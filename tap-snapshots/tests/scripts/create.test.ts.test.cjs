/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/scripts/create.test.ts > TAP > from nothing to three machines, and then nothing more to do > what it did 1`] = `
Array [
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/kubemaster -J -r -graft-points -o .lab/lab/nodes/kubemaster/seed.iso user-data=.lab/lab/nodes/kubemaster/seed/user-data meta-data=.lab/lab/nodes/kubemaster/seed/meta-data network-config=.lab/lab/nodes/kubemaster/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker01 -J -r -graft-points -o .lab/lab/nodes/worker01/seed.iso user-data=.lab/lab/nodes/worker01/seed/user-data meta-data=.lab/lab/nodes/worker01/seed/meta-data network-config=.lab/lab/nodes/worker01/network-config",
  "genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker02 -J -r -graft-points -o .lab/lab/nodes/worker02/seed.iso user-data=.lab/lab/nodes/worker02/seed/user-data meta-data=.lab/lab/nodes/worker02/seed/meta-data network-config=.lab/lab/nodes/worker02/network-config",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/kubemaster/domain.xml",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/worker01/domain.xml",
  "virsh -c qemu:///system define --validate .lab/lab/nodes/worker02/domain.xml",
  "virsh -c qemu:///system pool-autostart rke2-kvm-lab",
  "virsh -c qemu:///system pool-define --validate .lab/lab/pool.xml",
  "virsh -c qemu:///system pool-start --build rke2-kvm-lab",
  "virsh -c qemu:///system start kubemaster",
  "virsh -c qemu:///system start worker01",
  "virsh -c qemu:///system start worker02",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/base.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/kubemaster/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker01/disk.xml",
  "virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker02/disk.xml",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-kubemaster-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker01-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker02-seed.iso 0 --format raw",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab base-f77bf8736dea2bb8.qcow2 image.qcow2",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-kubemaster-seed.iso .lab/lab/nodes/kubemaster/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker01-seed.iso .lab/lab/nodes/worker01/seed.iso",
  "virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker02-seed.iso .lab/lab/nodes/worker02/seed.iso",
]
`
