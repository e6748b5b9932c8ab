#!/bin/bash
# The first process of the stand-in host: host-init.sh STATE ADDRESS/PREFIX kvm|no-kvm
#
# Run in its own mount, network and PID namespaces. It covers libvirt's folders with STATE's,
# sets up the network and the daemons, prints "ready", and then lives as long as its standard
# input is open. When it ends, the kernel ends everything else in here and the namespaces go.
set -euo pipefail
umask 022 # QEMU's user enters these folders
state=$1 address=$2 kvm=$3

finish() {
  kill -KILL -1 || true # everything but this shell
  while ! rm -rf "$state"; do sleep 0.1; done
}
trap finish EXIT
trap exit INT TERM HUP

# /run hides the machine's sockets (libvirt, dbus), /sys shows this namespace's network links.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/libvirt
[[ ${XDG_RUNTIME_DIR:-} != /run/* ]] || mkdir -p "$XDG_RUNTIME_DIR"
umount -l /sys
mount -t sysfs sysfs /sys

for folder in /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
  mkdir -p "$folder" "$state$folder"
  mount --bind "$state$folder" "$folder"
done
install -d -m 711 /var/lib/libvirt/images
install -d -m 750 /var/log/libvirt/qemu
# max_core: sudo lowers the limit, and in a container root may not raise it again.
cat >/etc/libvirt/qemu.conf <<'CONF'
security_driver = "none"
cgroup_controllers = []
namespaces = []
max_core = 0
CONF
cat >/etc/libvirt/libvirtd.conf <<'CONF'
auth_unix_rw = "none"
auth_unix_ro = "none"
CONF

# Guests are emulated, so that every machine behaves the same. A file nobody may read stands for
# /dev/kvm: where it looks usable and is not, libvirt asks QEMU for its features again and again.
if [[ $kvm = no-kvm && -e /dev/kvm ]]; then
  install -m 000 /dev/null "$state/kvm"
  mount --bind "$state/kvm" /dev/kvm
fi

ip link set lo up
ip link add br0 type bridge
ip address add "$address" dev br0
ip link set br0 up

virtlogd --daemon --pid-file /run/virtlogd.pid
libvirtd --daemon --pid-file /run/libvirtd.pid
tries=0
until virsh --connect qemu:///system list >/dev/null 2>"$state/error"; do
  if ((++tries > 100)); then
    cat "$state/error" >&2
    exit 1
  fi
  sleep 0.1
done

echo ready
while read -r _; do :; done
