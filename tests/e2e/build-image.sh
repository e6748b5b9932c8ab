#!/bin/bash
# Builds a Debian cloud image from packages: build-image.sh OUTPUT.qcow2
# Or copies one with cloud-init switched off: build-image.sh OUTPUT.qcow2 IMAGE.qcow2
#
# It is what a publisher's image is: cloud-init configures the user, SSH keys, network, host name
# and root partition at the first boot; root is locked; there is no password, no host key and no
# machine id in it. It is small, so that it boots fast in software emulation.
#
# Run as root in its own mount and PID namespace (image.ts does that): whatever ends it, no
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

# The machine's own Debian mirror if it has one, else the one that mmdebstrap takes.
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

log "unpacking Debian $suite"
# Files that decide how the packages' install scripts work go in before the packages.
early=$work/early
mkdir -p "$early"/etc/initramfs-tools/{conf.d,hooks}
# The initramfs holds what finds the root file system and nothing else: GRUB reads it through the
# BIOS, and a udev in it (left out below) would first look at every device there is.
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
sr_mod
ext4
CONF

cat >"$early/etc/initramfs-tools/hooks/blkid" <<'CONF'
#!/bin/sh
[ "$1" = prereqs ] && exit
. /usr/share/initramfs-tools/hook-functions
copy_exec /sbin/blkid
CONF
chmod 755 "$early/etc/initramfs-tools/hooks/blkid"

mmdebstrap --quiet --variant=apt --mode=root \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/initramfs-tools/*/udev' \
  --dpkgopt='path-exclude=/usr/share/initramfs-tools/hooks/dmsetup' \
  --essential-hook="cp -a '$early/.' \"\$1/\"" \
  --include="$(IFS=,; echo "${packages[*]}")" \
  "$suite" "$root" ${mirrors[@]+"${mirrors[@]}"}

log 'configuring'
# Without IPv6, because networkd waits 12 s for a router's advertisement before it calls the network
# configured. The clock of ACPI, because an emulated TSC is the host's own and leaps where that leaps: nodes that were
# minutes old called themselves 6 hours old once. The other options save time in software emulation.
kernel_options='ipv6.disable=1 clocksource=acpi_pm mitigations=off cryptomgr.notests nowatchdog'
kernel_options+=' norandmaps init_on_alloc=0 audit=0 8250.nr_uarts=1'

put() { mkdir -p "$(dirname "$root$1")" && cat >"$root$1"; }

put /etc/fstab <<CONF
LABEL=$label / ext4 defaults,noatime,noinit_itable 0 0
CONF
put /etc/cloud/cloud.cfg.d/90-image.cfg <<'CONF'
# Two others: with one alone cloud-init would not look whether its seed is there, and start over without it.
datasource_list: [NoCloud, ConfigDrive, None]
locale: C.UTF-8
apt: {preserve_sources_list: true}
ssh: {emit_keys_to_console: false}
CONF
sed -i '/^ *- grub[-_]dpkg$/d' "$root/etc/cloud/cloud.cfg"
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

# Much of what a boot does is of no use here and takes long in software emulation.
mask() { for name; do ln -sf /dev/null "$root/etc/systemd/$name"; done; }
mask system/{apt-daily,apt-daily-upgrade,dpkg-db-backup,e2scrub_all,fstrim,man-db}.timer \
  system/e2scrub_reap.service system/systemd-{binfmt,pstore,firstboot}.service \
  system/{dev-hugepages,dev-mqueue,sys-kernel-debug,sys-kernel-tracing,sys-kernel-config}.mount \
  system/sys-fs-fuse-connections.mount system/proc-sys-fs-binfmt_misc.automount \
  system/modprobe@{configfs,dm_mod,drm,efi_pstore,fuse,loop}.service
mkdir -p "$root/etc/systemd/system-generators"
mask system-generators/systemd-{cryptsetup,debug,gpt-auto,hibernate-resume,integritysetup}-generator \
  system-generators/systemd-{rc-local,run,system-update,sysv,veritysetup}-generator
find "$root/etc/apparmor.d" -maxdepth 1 -type f -delete
put /etc/modprobe.d/small.conf <<'CONF'
blacklist aesni_intel
blacklist acpi_cpufreq
blacklist crc32_pclmul
blacklist crct10dif_pclmul
blacklist efi_pstore
blacklist ghash_clmulni_intel
blacklist kvm_amd
blacklist kvm_intel
blacklist powernow_k8
blacklist psmouse
blacklist qemu_fw_cfg
blacklist serio_raw
blacklist sg
blacklist sha1_ssse3
blacklist sha256_ssse3
blacklist sha512_ssse3
CONF
# The same programs, without loading half of Python to find out which one to call.
put /usr/bin/cloud-init <<'CONF'
#!/usr/bin/python3
import sys
from cloudinit.cmd.main import main
sys.exit(main())
CONF
mv "$root/usr/sbin/netplan" "$root/usr/sbin/netplan.py"
put /usr/sbin/netplan <<'CONF'
#!/bin/sh
[ "$*" = generate ] && exec /lib/netplan/generate
exec /usr/sbin/netplan.py "$@"
CONF
chmod 755 "$root/usr/sbin/netplan"

put /boot/grub/grub.cfg <<CONF
serial --unit=0 --speed=115200
terminal_output console serial
set timeout=0
linux /vmlinuz root=LABEL=$label ro console=ttyS0,115200 $kernel_options
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
