#!/bin/bash
# A Debian as a person finds it after the installation: systemd, git, sudo and Node, no more: build-fresh.sh OUTPUT SUITE
set -euo pipefail
output=$1 suite=$2
packages=git,nodejs,npm,sudo,iproute2,ca-certificates,openssh-client,procps,systemd,systemd-sysv,dbus,libpam-systemd,login,passwd

mmdebstrap --quiet --variant=apt --mode=root --aptopt='APT::Install-Recommends "false"' --include="$packages" \
  --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash --groups sudo builder' \
  --customize-hook='echo "%sudo ALL=(ALL) NOPASSWD: ALL" >"$1/etc/sudoers.d/nopasswd"' \
  --customize-hook='chroot "$1" systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer getty@.service console-getty.service' \
  --customize-hook='rm -f "$1/etc/hostname"; echo fresh >"$1/etc/hostname"; echo "127.0.0.1 localhost fresh" >"$1/etc/hosts"' \
  --customize-hook='rm -rf "$1"/var/lib/apt/lists/*_Packages' \
  "$suite" "$output"
