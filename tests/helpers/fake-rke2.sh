#!/bin/bash
# rke2 on the nodes of a stand-in host, with lines of $FIXTURES/rke2-1.35.0. Snapshots are empty files; the service is played
# by fake-node.sh.
node=${RKE2_STAND_IN_ROOT##*/}
data=var/lib/rancher/rke2/server
cd "$RKE2_STAND_IN_ROOT" || exit 97
recorded() { grep -m 1 "$1" "$FIXTURES/rke2-1.35.0/$2"; } # FRAGMENT RECORDING
case "$*" in
  --version) printf 'rke2 version VERSION (a)\ngo version go1.24\n' ;;
  'certificate check --output table') echo 'FILENAME  SUBJECT  STATUS' ;;
  'etcd-snapshot save --name '*)
    mkdir -p "$data/db/snapshots" && touch "$data/db/snapshots/$4-$node-1766000000"
    recorded 'Unknown flag --node-ip' snapshot.txt >&2
    recorded 'Snapshot .* saved' snapshot.txt | sed "s/first-kubemaster-[0-9]*/$4-$node-1766000000/" >&2
    ;;
  'etcd-snapshot ls')
    recorded 'Unknown flag --node-ip' snapshot.txt >&2
    row='%-28s %-100s %s\n'
    # shellcheck disable=SC2059 # a format
    printf "$row" Name Location 'Size Created'
    # shellcheck disable=SC2059 # a format
    for file in "$data"/db/snapshots/*; do printf "$row" "${file##*/}" "file:///$file" '0    2025-12-17T19:33:20Z'; done
    ;;
  'server --cluster-reset --cluster-reset-restore-path='*)
    [[ -e ${3#*=} && $(cat run/rke2-server) = inactive ]] || exit 1
    recorded 'Shutdown request received' restore.txt >&2 # and it ends with 0
    ;;
  *)
    echo "rke2 $*" >>"$STAND_IN/unknown"
    echo "the stand-in rke2 does not know: $*" >&2
    exit 97
    ;;
esac
