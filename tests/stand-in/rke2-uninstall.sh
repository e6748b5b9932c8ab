#!/bin/sh
# Stand-in for rke2-uninstall.sh, tests only: removes what the installer and the node put here.
# RKE2_STAND_IN_ROOT is a folder to work under instead of /.
set -ex
root=${RKE2_STAND_IN_ROOT:-}
bin=$(cd "$(dirname "$0")" && pwd)
prefix=$(dirname "$bin")
if [ "$(id -u)" != 0 ]; then
    echo "[ERROR]  rke2-uninstall.sh must be run as root" >&2
    exit 1
fi
"$bin/rke2-killall.sh"
if [ -z "$root" ]; then
    systemctl disable rke2-server.service rke2-agent.service || true
    systemctl reset-failed rke2-server.service rke2-agent.service || true
fi
for service in rke2-server rke2-agent; do
    rm -f "$prefix/lib/systemd/system/$service.service" "$prefix/lib/systemd/system/$service.env"
    rm -f "$root/etc/systemd/system/$service.service"
done
if [ -z "$root" ]; then systemctl daemon-reload || true; fi
rm -rf "$prefix/share/rke2" "$root/etc/rancher/rke2" "$root/etc/rancher/node" "$root/etc/cni" \
    "$root/opt/cni/bin" "$root/var/lib/cni" "$root/var/log/pods" "$root/var/log/containers" \
    "$root/var/log/calico" "$root/var/lib/kubelet" "$root${RKE2_DATA_DIR:-/var/lib/rancher/rke2}"
rm -f "$bin/rke2" "$bin/rke2-killall.sh" "$bin/rke2-uninstall.sh"
