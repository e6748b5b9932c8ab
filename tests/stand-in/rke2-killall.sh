#!/bin/sh
# Stand-in for rke2-killall.sh, tests only: stops the services and clears what a node leaves running.
# Data and configuration stay. RKE2_STAND_IN_ROOT is a folder to work under instead of /.
root=${RKE2_STAND_IN_ROOT:-}
if [ "$(id -u)" != 0 ]; then
    echo "[ERROR]  rke2-killall.sh must be run as root" >&2
    exit 1
fi
if [ -z "$root" ]; then
    systemctl stop rke2-server.service rke2-agent.service
    awk '$2 ~ "^/(run/k3s|var/lib/kubelet/pods|run/netns/cni-)" {print $2}' /proc/mounts | sort -r |
        while read -r mount; do umount "$mount"; done
fi
for component in etcd kube-apiserver kube-controller-manager kube-scheduler cloud-controller-manager; do
    rm -f "$root/var/lib/rancher/rke2/agent/pod-manifests/$component.yaml"
done
for pod in "$root"/run/k3s/stand-in/*-*; do
    if [ -f "$pod" ]; then kill "$(cat "$pod")" || true; fi
done 2>/dev/null
rm -rf "$root/run/k3s"
exit 0
