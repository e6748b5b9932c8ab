/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`tests/scripts/dry-run.test.ts > TAP > the script of create is the whole of it > create of lab.yaml 1`] = `
#!/usr/bin/env bash
# create of lab lab, as the scripts would do it now on this host.
set -euo pipefail
umask 077
export LC_ALL=C
cd /home/me/lab
main() { # a function, so that bash reads all of this before ssh can take it as input

# SSH and host keys
mkdir -p .lab/lab .lab/lab/nodes/kubemaster .lab/lab/nodes/worker01 .lab/lab/nodes/worker02
ssh-keygen -q -t ed25519 -N '' -C rke2-kvm-lab:lab -f .lab/lab/id_ed25519
ssh-keygen -q -t ed25519 -N '' -C kubemaster -f .lab/lab/nodes/kubemaster/host_key
ssh-keygen -q -t ed25519 -N '' -C worker01 -f .lab/lab/nodes/worker01/host_key
ssh-keygen -q -t ed25519 -N '' -C worker02 -f .lab/lab/nodes/worker02/host_key
mkdir -p .lab/lab
cat > .lab/lab/ssh_config <<'EOF'
Host kubemaster
  HostName 192.168.1.30
  ControlMaster auto
  ControlPath "/home/me/lab/.lab/lab/nodes/kubemaster/ssh"
  ControlPersist 60
Host worker01
  HostName 192.168.1.31
  ControlMaster auto
  ControlPath "/home/me/lab/.lab/lab/nodes/worker01/ssh"
  ControlPersist 60
Host worker02
  HostName 192.168.1.32
  ControlMaster auto
  ControlPath "/home/me/lab/.lab/lab/nodes/worker02/ssh"
  ControlPersist 60
Host *
  User ubuntu
  IdentityFile "/home/me/lab/.lab/lab/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "/home/me/lab/.lab/lab/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  HostKeyAlgorithms ssh-ed25519
  UpdateHostKeys no
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 5
  ServerAliveCountMax 6
  LogLevel ERROR
EOF
paste -d ' ' <(printf '%s\\n' kubemaster,192.168.1.30 worker01,192.168.1.31 worker02,192.168.1.32) <(cat .lab/lab/nodes/kubemaster/host_key.pub .lab/lab/nodes/worker01/host_key.pub .lab/lab/nodes/worker02/host_key.pub) > .lab/lab/known_hosts

# Storage pool
cat > .lab/lab/pool.xml <<'EOF'
<pool type='dir'>
  <name>rke2-kvm-lab</name>
  <uuid>5fcc7e77-b9ad-894e-9771-4e57359470df</uuid>
  <target>
    <path>/var/lib/libvirt/images/rke2-kvm-lab</path>
  </target>
</pool>
EOF
virsh -c qemu:///system pool-define --validate .lab/lab/pool.xml
virsh -c qemu:///system pool-autostart rke2-kvm-lab
virsh -c qemu:///system pool-start --build rke2-kvm-lab

# Network

# Base image and seeds
cat > .lab/lab/base.xml <<'EOF'
<volume>
  <name>base-DIGEST.qcow2</name>
  <capacity>0</capacity>
  <target>
    <format type='qcow2'/>
  </target>
</volume>
EOF
virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/base.xml
virsh -c qemu:///system vol-upload --pool rke2-kvm-lab base-DIGEST.qcow2 image.qcow2
mkdir -p .lab/lab/nodes/kubemaster
cat > .lab/lab/nodes/kubemaster/user-data <<'EOF'
#cloud-config
hostname: kubemaster
manage_etc_hosts: localhost
ssh_pwauth: false
disable_root: true
ssh_deletekeys: true
no_ssh_fingerprints: true
users:
  - name: ubuntu
    gecos: rke2-kvm-lab
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock_passwd: true
    ssh_authorized_keys:
      - "@LAB_PUBLIC_KEY@"
EOF
cat > .lab/lab/nodes/kubemaster/network-config <<'EOF'
version: 2
ethernets:
  enp1s0:
    match:
      macaddress: 52:54:00:9f:c4:b3
    dhcp4: false
    addresses:
      - 192.168.1.30/24
    routes:
      - to: 0.0.0.0/0
        via: 192.168.1.1
    nameservers:
      addresses:
        - 1.1.1.1
        - 8.8.8.8
EOF
mkdir -p .lab/lab/nodes/kubemaster/seed
printf 'instance-id: %s-%s\\nlocal-hostname: %s\\n' kubemaster "$(</proc/sys/kernel/random/uuid)" kubemaster > .lab/lab/nodes/kubemaster/seed/meta-data
{
  sed "s|@LAB_PUBLIC_KEY@|$(<.lab/lab/id_ed25519.pub)|" .lab/lab/nodes/kubemaster/user-data
  printf 'ssh_keys:\\n  ed25519_public: %s\\n  ed25519_private: |\\n' "$(<.lab/lab/nodes/kubemaster/host_key.pub)"
  sed 's/^/    /' .lab/lab/nodes/kubemaster/host_key
} > .lab/lab/nodes/kubemaster/seed/user-data
genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/kubemaster -J -r -graft-points -o .lab/lab/nodes/kubemaster/seed.iso user-data=.lab/lab/nodes/kubemaster/seed/user-data meta-data=.lab/lab/nodes/kubemaster/seed/meta-data network-config=.lab/lab/nodes/kubemaster/network-config
virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-kubemaster-seed.iso 0 --format raw
virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-kubemaster-seed.iso .lab/lab/nodes/kubemaster/seed.iso
rm -r .lab/lab/nodes/kubemaster/seed .lab/lab/nodes/kubemaster/seed.iso
mkdir -p .lab/lab/nodes/worker01
cat > .lab/lab/nodes/worker01/user-data <<'EOF'
#cloud-config
hostname: worker01
manage_etc_hosts: localhost
ssh_pwauth: false
disable_root: true
ssh_deletekeys: true
no_ssh_fingerprints: true
users:
  - name: ubuntu
    gecos: rke2-kvm-lab
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock_passwd: true
    ssh_authorized_keys:
      - "@LAB_PUBLIC_KEY@"
EOF
cat > .lab/lab/nodes/worker01/network-config <<'EOF'
version: 2
ethernets:
  enp1s0:
    match:
      macaddress: 52:54:00:04:da:49
    dhcp4: false
    addresses:
      - 192.168.1.31/24
    routes:
      - to: 0.0.0.0/0
        via: 192.168.1.1
    nameservers:
      addresses:
        - 1.1.1.1
        - 8.8.8.8
EOF
mkdir -p .lab/lab/nodes/worker01/seed
printf 'instance-id: %s-%s\\nlocal-hostname: %s\\n' worker01 "$(</proc/sys/kernel/random/uuid)" worker01 > .lab/lab/nodes/worker01/seed/meta-data
{
  sed "s|@LAB_PUBLIC_KEY@|$(<.lab/lab/id_ed25519.pub)|" .lab/lab/nodes/worker01/user-data
  printf 'ssh_keys:\\n  ed25519_public: %s\\n  ed25519_private: |\\n' "$(<.lab/lab/nodes/worker01/host_key.pub)"
  sed 's/^/    /' .lab/lab/nodes/worker01/host_key
} > .lab/lab/nodes/worker01/seed/user-data
genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker01 -J -r -graft-points -o .lab/lab/nodes/worker01/seed.iso user-data=.lab/lab/nodes/worker01/seed/user-data meta-data=.lab/lab/nodes/worker01/seed/meta-data network-config=.lab/lab/nodes/worker01/network-config
virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker01-seed.iso 0 --format raw
virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker01-seed.iso .lab/lab/nodes/worker01/seed.iso
rm -r .lab/lab/nodes/worker01/seed .lab/lab/nodes/worker01/seed.iso
mkdir -p .lab/lab/nodes/worker02
cat > .lab/lab/nodes/worker02/user-data <<'EOF'
#cloud-config
hostname: worker02
manage_etc_hosts: localhost
ssh_pwauth: false
disable_root: true
ssh_deletekeys: true
no_ssh_fingerprints: true
users:
  - name: ubuntu
    gecos: rke2-kvm-lab
    shell: /bin/bash
    sudo: ALL=(ALL) NOPASSWD:ALL
    lock_passwd: true
    ssh_authorized_keys:
      - "@LAB_PUBLIC_KEY@"
EOF
cat > .lab/lab/nodes/worker02/network-config <<'EOF'
version: 2
ethernets:
  enp1s0:
    match:
      macaddress: 52:54:00:b9:c3:c8
    dhcp4: false
    addresses:
      - 192.168.1.32/24
    routes:
      - to: 0.0.0.0/0
        via: 192.168.1.1
    nameservers:
      addresses:
        - 1.1.1.1
        - 8.8.8.8
EOF
mkdir -p .lab/lab/nodes/worker02/seed
printf 'instance-id: %s-%s\\nlocal-hostname: %s\\n' worker02 "$(</proc/sys/kernel/random/uuid)" worker02 > .lab/lab/nodes/worker02/seed/meta-data
{
  sed "s|@LAB_PUBLIC_KEY@|$(<.lab/lab/id_ed25519.pub)|" .lab/lab/nodes/worker02/user-data
  printf 'ssh_keys:\\n  ed25519_public: %s\\n  ed25519_private: |\\n' "$(<.lab/lab/nodes/worker02/host_key.pub)"
  sed 's/^/    /' .lab/lab/nodes/worker02/host_key
} > .lab/lab/nodes/worker02/seed/user-data
genisoimage -quiet -V cidata -A rke2-kvm-lab:lab/worker02 -J -r -graft-points -o .lab/lab/nodes/worker02/seed.iso user-data=.lab/lab/nodes/worker02/seed/user-data meta-data=.lab/lab/nodes/worker02/seed/meta-data network-config=.lab/lab/nodes/worker02/network-config
virsh -c qemu:///system vol-create-as --pool rke2-kvm-lab lab-worker02-seed.iso 0 --format raw
virsh -c qemu:///system vol-upload --pool rke2-kvm-lab lab-worker02-seed.iso .lab/lab/nodes/worker02/seed.iso
rm -r .lab/lab/nodes/worker02/seed .lab/lab/nodes/worker02/seed.iso

# Machines
cat > .lab/lab/nodes/kubemaster/disk.xml <<'EOF'
<volume>
  <name>lab-kubemaster.qcow2</name>
  <capacity unit='bytes'>42949672960</capacity>
  <target>
    <format type='qcow2'/>
    <compat>1.1</compat>
  </target>
  <backingStore>
    <path>/var/lib/libvirt/images/rke2-kvm-lab/base-DIGEST.qcow2</path>
    <format type='qcow2'/>
  </backingStore>
</volume>
EOF
virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/kubemaster/disk.xml
cat > .lab/lab/nodes/kubemaster/domain.xml <<'EOF'
<domain type='kvm'>
  <name>kubemaster</name>
  <uuid>14ab7fab-a138-836d-8043-8e0592d36cb9</uuid>
  <title>kubemaster (server of lab lab)</title>
  <metadata>
    <lab:node xmlns:lab='urn:rke2-kvm-lab:1' lab='lab' role='server' address='192.168.1.30'/>
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
EOF
virsh -c qemu:///system define --validate .lab/lab/nodes/kubemaster/domain.xml
virsh -c qemu:///system start kubemaster || { test "$(virsh -c qemu:///system -q domstate kubemaster)" = 'shut off' && virsh -c qemu:///system undefine kubemaster >/dev/null; false; }
cat > .lab/lab/nodes/worker01/disk.xml <<'EOF'
<volume>
  <name>lab-worker01.qcow2</name>
  <capacity unit='bytes'>42949672960</capacity>
  <target>
    <format type='qcow2'/>
    <compat>1.1</compat>
  </target>
  <backingStore>
    <path>/var/lib/libvirt/images/rke2-kvm-lab/base-DIGEST.qcow2</path>
    <format type='qcow2'/>
  </backingStore>
</volume>
EOF
virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker01/disk.xml
cat > .lab/lab/nodes/worker01/domain.xml <<'EOF'
<domain type='kvm'>
  <name>worker01</name>
  <uuid>31a65490-45f4-8ccd-916f-8d5a20bbfc2f</uuid>
  <title>worker01 (agent of lab lab)</title>
  <metadata>
    <lab:node xmlns:lab='urn:rke2-kvm-lab:1' lab='lab' role='agent' address='192.168.1.31'/>
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
      <source file='/var/lib/libvirt/images/rke2-kvm-lab/lab-worker01.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <boot order='1'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/libvirt/images/rke2-kvm-lab/lab-worker01-seed.iso' startupPolicy='optional'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    <interface type='bridge'><source bridge='br0'/>
      <mac address='52:54:00:04:da:49'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <log file='/var/log/libvirt/qemu/worker01.console.log' append='on'/>
      <target type='isa-serial' port='0'/>
    </serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio' freePageReporting='on'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
EOF
virsh -c qemu:///system define --validate .lab/lab/nodes/worker01/domain.xml
virsh -c qemu:///system start worker01 || { test "$(virsh -c qemu:///system -q domstate worker01)" = 'shut off' && virsh -c qemu:///system undefine worker01 >/dev/null; false; }
cat > .lab/lab/nodes/worker02/disk.xml <<'EOF'
<volume>
  <name>lab-worker02.qcow2</name>
  <capacity unit='bytes'>42949672960</capacity>
  <target>
    <format type='qcow2'/>
    <compat>1.1</compat>
  </target>
  <backingStore>
    <path>/var/lib/libvirt/images/rke2-kvm-lab/base-DIGEST.qcow2</path>
    <format type='qcow2'/>
  </backingStore>
</volume>
EOF
virsh -c qemu:///system vol-create --pool rke2-kvm-lab .lab/lab/nodes/worker02/disk.xml
cat > .lab/lab/nodes/worker02/domain.xml <<'EOF'
<domain type='kvm'>
  <name>worker02</name>
  <uuid>0dec5d99-10c9-8aa9-aeee-fb395b4c74e1</uuid>
  <title>worker02 (agent of lab lab)</title>
  <metadata>
    <lab:node xmlns:lab='urn:rke2-kvm-lab:1' lab='lab' role='agent' address='192.168.1.32'/>
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
      <source file='/var/lib/libvirt/images/rke2-kvm-lab/lab-worker02.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <boot order='1'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/libvirt/images/rke2-kvm-lab/lab-worker02-seed.iso' startupPolicy='optional'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    <interface type='bridge'><source bridge='br0'/>
      <mac address='52:54:00:b9:c3:c8'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <log file='/var/log/libvirt/qemu/worker02.console.log' append='on'/>
      <target type='isa-serial' port='0'/>
    </serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio' freePageReporting='on'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
EOF
virsh -c qemu:///system define --validate .lab/lab/nodes/worker02/domain.xml
virsh -c qemu:///system start worker02 || { test "$(virsh -c qemu:///system -q domstate worker02)" = 'shut off' && virsh -c qemu:///system undefine worker02 >/dev/null; false; }

# Wait
( end=$((SECONDS + 900))
until ssh -F .lab/lab/ssh_config kubemaster sh -s <<'EOF'
cd /run/cloud-init && { test -e disabled || test -e result.json; } &&
{ test -e /etc/cloud/cloud-init.disabled || ! { grep -qs 'bin/[c]loud-init' /proc/[0-9]*/cmdline ||
  test -e /run/systemd/shutdown/scheduled || test "$(systemctl is-system-running)" = stopping; }; }
EOF
do [ $SECONDS -lt $end ] && sleep 2 || exit 1
done ) 2>/dev/null || { echo "gave up after 900 s" >&2; false; }
ssh -F .lab/lab/ssh_config kubemaster sh -s <<'EOF'
cloud-init status >/dev/null || test $? -eq 2
EOF
( end=$((SECONDS + 900))
until ssh -F .lab/lab/ssh_config worker01 sh -s <<'EOF'
cd /run/cloud-init && { test -e disabled || test -e result.json; } &&
{ test -e /etc/cloud/cloud-init.disabled || ! { grep -qs 'bin/[c]loud-init' /proc/[0-9]*/cmdline ||
  test -e /run/systemd/shutdown/scheduled || test "$(systemctl is-system-running)" = stopping; }; }
EOF
do [ $SECONDS -lt $end ] && sleep 2 || exit 1
done ) 2>/dev/null || { echo "gave up after 900 s" >&2; false; }
ssh -F .lab/lab/ssh_config worker01 sh -s <<'EOF'
cloud-init status >/dev/null || test $? -eq 2
EOF
( end=$((SECONDS + 900))
until ssh -F .lab/lab/ssh_config worker02 sh -s <<'EOF'
cd /run/cloud-init && { test -e disabled || test -e result.json; } &&
{ test -e /etc/cloud/cloud-init.disabled || ! { grep -qs 'bin/[c]loud-init' /proc/[0-9]*/cmdline ||
  test -e /run/systemd/shutdown/scheduled || test "$(systemctl is-system-running)" = stopping; }; }
EOF
do [ $SECONDS -lt $end ] && sleep 2 || exit 1
done ) 2>/dev/null || { echo "gave up after 900 s" >&2; false; }
ssh -F .lab/lab/ssh_config worker02 sh -s <<'EOF'
cloud-init status >/dev/null || test $? -eq 2
EOF
}
main </dev/null

`
