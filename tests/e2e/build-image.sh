#!/bin/bash
# Builds a Debian cloud image from packages: build-image.sh OUTPUT.qcow2
# Or copies one with cloud-init switched off: build-image.sh OUTPUT.qcow2 IMAGE.qcow2
#
# It is what a publisher's image is: cloud-init configures the user, SSH keys, network, host name
# and root partition at the first boot; root is locked; there is no password, no host key and no
# machine id in it. It is small, so that it boots fast in software emulation.
#
# Run as root in a mount and PID namespace of its own (image.ts does that): whatever ends it, no
# process and no mount stays behind. It needs no loop device. Scratch files: the folder of OUTPUT.
set -euo pipefail

output=$(realpath "$1")
work=$(dirname "$output")
root=$work/root
disk=$work/disk.raw
label=cloudimg-rootfs

root_start=4096 # sector of the root partition

log() { echo "image: $*" >&2; }

if [[ -n ${2:-} ]]; then
  log 'switching cloud-init off'
  qemu-img convert -q -O raw "$2" "$disk"
  debugfs -w -R 'write /dev/null /etc/cloud/cloud-init.disabled' \
    "$disk?offset=$((root_start * 512))" 2>&1 | sed -n '/^debugfs/!p' >&2
  qemu-img convert -q -O qcow2 -c "$disk" "$output"
  exit
fi

packages=(
  systemd systemd-sysv systemd-resolved udev dbus kmod procps
  linux-image-cloud-amd64 initramfs-tools zstd lz4
  cloud-init cloud-guest-utils e2fsprogs fdisk gdisk netplan.io
  openssh-server sudo iproute2 iputils-ping
  # what the Kubernetes tests need inside a guest
  python3 openssl ca-certificates curl iptables apparmor
)

# The machine's own Debian mirror if it has one, else the usual one.
suite=bookworm
mirrors=()
# shellcheck disable=SC2016 # apt's own variables
while read -r uri release component; do
  case $release in
    "$suite" | "$suite"-updates | "$suite"-security)
      mirrors+=("deb $uri $release $component")
      ;;
  esac
done < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
  'Created-By: Packages' 'Origin: Debian' 'Component: main' 2>/dev/null || true)
((${#mirrors[@]})) || mirrors=("deb http://deb.debian.org/debian $suite main")

log "unpacking Debian $suite (${mirrors[0]})"
# Files that decide how the packages' install scripts work go in before the packages.
early=$work/early
mkdir -p "$early"/etc/initramfs-tools/conf.d "$early"/etc/default
# Only what finds the root disk and the seed: the kernel and initramfs go through the BIOS.
cat >"$early/etc/initramfs-tools/conf.d/small" <<'CONF'
MODULES=list
COMPRESS=lz4
FSTYPE=ext4
CONF
cat >"$early/etc/initramfs-tools/modules" <<'CONF'
virtio_pci
virtio_blk
virtio_scsi
sd_mod
ext4
CONF

mmdebstrap --quiet --variant=apt --mode=root \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/lib/modules/*/kernel/drivers/gpu/*' \
  --essential-hook="cp -a '$early/.' \"\$1/\"" \
  --include="$(IFS=,; echo "${packages[*]}")" \
  "$suite" "$root" "${mirrors[@]}"

log 'configuring'
put() { mkdir -p "$(dirname "$root$1")" && cat >"$root$1"; }

put /etc/fstab <<CONF
LABEL=$label / ext4 defaults,noatime,noinit_itable 0 0
CONF
put /etc/cloud/cloud.cfg.d/90-image.cfg <<'CONF'
# Two others: with one alone cloud-init would not look whether its seed is there, and begin anew without it.
datasource_list: [NoCloud, ConfigDrive, None]
locale: C.UTF-8
apt: {preserve_sources_list: true}
CONF
put /etc/default/locale <<<'LANG=C.UTF-8'
put /etc/hostname <<<'localhost'
put /etc/machine-id </dev/null
put /etc/ssh/sshd_config.d/50-image.conf <<'CONF'
PasswordAuthentication no
UseDNS no
CONF
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
rm -f "$root"/etc/ssh/ssh_host_*
chroot "$root" passwd --quiet --lock root
chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer man-db.timer; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

put /boot/grub/grub.cfg <<CONF
serial --unit=0 --speed=115200
terminal_output console serial
set timeout=0
linux /vmlinuz root=LABEL=$label ro console=ttyS0,115200
initrd /initrd.img
boot
CONF

log 'making the disk'
truncate --size=2G "$disk"
sfdisk --quiet "$disk" <<CONF
label: gpt
start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
start=$root_start, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=root
CONF
mke2fs -q -t ext4 -L "$label" -d "$root" -i 32768 -m 1 \
  -E "offset=$((root_start * 512)),lazy_itable_init=0,lazy_journal_init=0,nodiscard" \
  "$disk" $(((2048 - 3) * 1024))k

# The boot loader, as grub-install puts it, but without a block device: boot.img in the first
# sector points at core.img in the BIOS boot partition, whose first sector points at the rest.
grub=/usr/lib/grub/i386-pc
grub-mkimage -O i386-pc -p '(hd0,gpt2)/boot/grub' -o "$work/core.img" \
  biosdisk part_gpt ext2 normal linux serial terminal boot
le64() { python3 -c 'import sys; sys.stdout.buffer.write(int(sys.argv[1]).to_bytes(8, "little"))' "$1"; }
cp "$grub/boot.img" "$work/boot.img"
le64 2048 | dd of="$work/boot.img" bs=1 seek=$((0x5c)) conv=notrunc status=none
le64 2049 | dd of="$work/core.img" bs=1 seek=$((512 - 12)) conv=notrunc status=none
dd if="$work/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
dd if="$work/core.img" of="$disk" bs=512 seek=2048 conv=notrunc status=none

log 'compressing'
qemu-img convert -q -O qcow2 -c "$disk" "$output"
log "done: $(du -h "$output" | cut -f1)"
