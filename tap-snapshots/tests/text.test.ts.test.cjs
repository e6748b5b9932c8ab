/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/text.test.ts > TAP > a domain of a bridge lab, whole > kubemaster 1`] = `
<domain type='kvm'>
  <name>kubemaster</name>
  <uuid>14ab7fab-a138-836d-8043-8e0592d36cb9</uuid>
  <title>kubemaster (server of lab lab)</title>
  <metadata>
    <lab:node xmlns:lab='urn:rke2-kvm-lab:1' lab='lab' role='server' address='192.0.2.30'/>
  </metadata>
  <memory unit='MiB'>4096</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><apic/></features>
  <cpu mode='host-passthrough'/>
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap' detect_zeroes='unmap'/>
      <source file='/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <boot order='1'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/libvirt/images/rke2-kvm-lab/lab-kubemaster-seed.iso' startupPolicy='optional'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    <interface type='bridge'><source bridge='br0'/>
      <mac address='52:54:00:9f:c4:b3'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <log file='/var/log/libvirt/qemu/kubemaster.console.log' append='on'/>
      <target type='isa-serial' port='0'/>
    </serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio' freePageReporting='on'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>

`

exports[`tests/text.test.ts > TAP > pool, volumes and network, whole > base image 1`] = `
<volume>
  <name>base-0123456789abcdef.qcow2</name>
  <capacity>0</capacity>
  <target>
    <format type='qcow2'/>
  </target>
</volume>

`

exports[`tests/text.test.ts > TAP > pool, volumes and network, whole > disk 1`] = `
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

exports[`tests/text.test.ts > TAP > pool, volumes and network, whole > network 1`] = `
<network>
  <name>rke2-nat</name>
  <uuid>4373911f-f4eb-83a0-95ac-ea2d34caeae6</uuid>
  <forward mode='nat'/>
  <bridge stp='on' delay='0'/>
  <ip address='192.0.2.1' netmask='255.255.255.128'/>
</network>

`

exports[`tests/text.test.ts > TAP > pool, volumes and network, whole > pool 1`] = `
<pool type='dir'>
  <name>rke2-kvm-lab</name>
  <uuid>5fcc7e77-b9ad-894e-9771-4e57359470df</uuid>
  <target>
    <path>/var/lib/libvirt/images/rke2-kvm-lab</path>
  </target>
</pool>

`

exports[`tests/text.test.ts > TAP > ssh reads the config as it was meant, also from a folder with odd characters > ssh_config 1`] = `
Host kubemaster
  HostName 192.0.2.30
  ControlMaster auto
  ControlPath "/home/me/rke2-kvm-lab/.lab/lab/nodes/kubemaster/ssh"
  ControlPersist 60
Host worker01
  HostName 192.0.2.31
  ControlMaster auto
  ControlPath "/home/me/rke2-kvm-lab/.lab/lab/nodes/worker01/ssh"
  ControlPersist 60
Host worker02
  HostName 192.0.2.32
  ControlMaster auto
  ControlPath "/home/me/rke2-kvm-lab/.lab/lab/nodes/worker02/ssh"
  ControlPersist 60
Host *
  User ubuntu
  IdentityFile "/home/me/rke2-kvm-lab/.lab/lab/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "/home/me/rke2-kvm-lab/.lab/lab/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  HostKeyAlgorithms ssh-ed25519
  UpdateHostKeys no
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 5
  ServerAliveCountMax 6
  LogLevel ERROR

`

exports[`tests/text.test.ts > TAP > the address is given to the NIC with the MAC of the node > worker01 1`] = `
version: 2
ethernets:
  lan0:
    match:
      macaddress: 52:54:00:04:da:49
    dhcp4: false
    addresses:
      - 192.0.2.31/24
    routes:
      - to: 0.0.0.0/0
        via: 192.0.2.1
    nameservers:
      addresses:
        - 1.1.1.1
        - 8.8.8.8

`

exports[`tests/text.test.ts > TAP > user-data without anything of the person, whole > kubemaster 1`] = `
#cloud-config
hostname: kubemaster
manage_etc_hosts: localhost
ssh_pwauth: false
disable_root: true
ssh_deletekeys: true
users:
  - name: ubuntu
    gecos: rke2-kvm-lab
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock_passwd: true
    ssh_authorized_keys:
      - "@LAB_PUBLIC_KEY@"

`
