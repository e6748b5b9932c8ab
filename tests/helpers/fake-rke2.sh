#!/bin/bash
# rke2 on the nodes of a stand-in host. Snapshots are empty files; the service is played by fake-node.sh.
node=${RKE2_STAND_IN_ROOT##*/}
data=var/lib/rancher/rke2/server
cd "$RKE2_STAND_IN_ROOT" || exit 97
log() { printf 'time="%(%FT%TZ)T" level=%s msg="%s"\n' -1 "$1" "$2" >&2; }
# As recorded (RKE2 v1.35.0): a subcommand warns of each key of the server's configuration that it does not know.
[[ $1 != etcd-snapshot ]] || log warning 'Unknown flag --node-ip found in config.yaml, skipping\n'
case "$*" in
  --version) printf 'rke2 version VERSION (a)\ngo version go1.24\n' ;;
  'etcd-snapshot save --name '*)
    mkdir -p "$data/db/snapshots" && touch "$data/db/snapshots/$4-$node-1766000000"
    log info "Snapshot $4-$node-1766000000 saved."
    ;;
  'etcd-snapshot ls')
    row='%-28s %-100s %s\n'
    # shellcheck disable=SC2059 # a format
    printf "$row" Name Location 'Size Created'
    # shellcheck disable=SC2059 # a format
    for file in "$data"/db/snapshots/*; do printf "$row" "${file##*/}" "file:///$file" '0    2025-12-17T19:33:20Z'; done
    ;;
  'server --cluster-reset --cluster-reset-restore-path='*)
    [[ -e ${3#*=} && $(cat run/rke2-server) = inactive ]] || exit 1
    ;;
  *)
    echo "rke2 $*" >>"$STAND_IN/unknown"
    echo "the stand-in rke2 does not know: $*" >&2
    exit 97
    ;;
esac
