/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/libvirt/storage-xml.test.ts > TAP > pool, volumes and network, whole > base image 1`] = `
<volume>
  <name>base-0123456789abcdef.qcow2</name>
  <capacity>0</capacity>
  <target>
    <format type='qcow2'/>
  </target>
</volume>

`

exports[`tests/libvirt/storage-xml.test.ts > TAP > pool, volumes and network, whole > disk 1`] = `
<volume>
  <name>lab-kubemaster.qcow2</name>
  <capacity unit='bytes'>42949672960</capacity>
  <target>
    <format type='qcow2'/>
    <compat>1.1</compat>
  </target>
  <backingStore>
    <path>/var/lib/libvirt/images/rke2-kvm-lab/base-0123456789abcdef.qcow2</path>
    <format type='qcow2'/>
  </backingStore>
</volume>

`

exports[`tests/libvirt/storage-xml.test.ts > TAP > pool, volumes and network, whole > network 1`] = `
<network>
  <name>rke2-nat</name>
  <uuid>4373911f-f4eb-83a0-95ac-ea2d34caeae6</uuid>
  <forward mode='nat'/>
  <bridge stp='on' delay='0'/>
  <ip address='192.0.2.1' netmask='255.255.255.128'/>
</network>

`

exports[`tests/libvirt/storage-xml.test.ts > TAP > pool, volumes and network, whole > pool 1`] = `
<pool type='dir'>
  <name>rke2-kvm-lab</name>
  <uuid>5fcc7e77-b9ad-894e-9771-4e57359470df</uuid>
  <target>
    <path>/var/lib/libvirt/images/rke2-kvm-lab</path>
  </target>
</pool>

`
