#!/bin/bash
# rke2 on the nodes of a stand-in host, with lines of $FIXTURES/rke2-1.35.0. A snapshot is a tar of $CLUSTER; the service is
# played by fake-node.sh.
node=${RKE2_STAND_IN_ROOT##*/}
data=var/lib/rancher/rke2/server
cd "$RKE2_STAND_IN_ROOT" || exit 97
recorded() { grep -m 1 "$1" "$FIXTURES/rke2-1.35.0/$2"; } # FRAGMENT RECORDING
fatal() { # TEXT
  echo "level=fatal msg=\"$1\"" >&2
  exit 1
}
case "$*" in
  --version) printf 'rke2 version VERSION (a)\ngo version go1.24\n' ;;
  'certificate check --output table') echo 'FILENAME  SUBJECT  STATUS' ;;
  'etcd-snapshot save --name '*)
    [[ $(cat run/rke2-server) = active ]] || fatal 'the server does not answer'
    mkdir -p "$data/db/snapshots" && "$STAND_IN/node-bin/real/tar" -c -f "$data/db/snapshots/$4-$node-1766000000" --sort=name --mtime=@0 -C "$CLUSTER" .
    recorded 'Unknown flag --node-ip' snapshot.txt >&2
    recorded 'Snapshot .* saved' snapshot.txt | sed "s/first-kubemaster-[0-9]*/$4-$node-1766000000/" >&2
    ;;
  'etcd-snapshot delete '*) rm "$data/db/snapshots/$3" ;;
  'etcd-snapshot ls')
    recorded 'Unknown flag --node-ip' snapshot.txt >&2
    row='%-28s %-100s %s\n'
    # shellcheck disable=SC2059 # a format
    printf "$row" Name Location 'Size Created'
    # shellcheck disable=SC2059 # a format
    for file in "$data"/db/snapshots/*; do printf "$row" "${file##*/}" "file:///$file" '0    2025-12-17T19:33:20Z'; done
    ;;
  'server --cluster-reset --cluster-reset-restore-path='*)
    file=${3#*=} token=${4#--token-file=}
    [[ $(cat run/rke2-server) = inactive ]] || fatal 'listen tcp :9345: bind: address already in use'
    ! grep -q '^server:' etc/rancher/rke2/config.yaml || fatal 'cannot perform cluster-reset while server URL is set'
    [[ -e $file ]] || fatal "etcd: snapshot path does not exist: $file"
    [[ -e ${token:=$data/token} ]] || fatal "$token does not exist, please pass --token to complete the restoration"
    saved=$("$STAND_IN/node-bin/real/tar" -x -O -f "$file" ./token)
    [[ ${saved##*:} = "$(sed 's/.*://' "$token")" ]] || fatal 'bootstrap data already found and encrypted with different token'
    for other in "$STAND_IN"/nodes/*; do
      [[ ${other##*/} != "$node" && -e $CLUSTER/nodes/${other##*/} ]] || continue # not of another lab
      if [[ -e $other/run/pods ]]; then echo "a reset of $node while etcd runs on ${other##*/}" >>"$STAND_IN/unknown"; fi
      if [[ -e $other/$data/db/etcd ]]; then touch "$other/$data/db/etcd/old"; fi
      if [[ -e $other/run/rke2-agent ]]; then touch "$other/run/watches-old"; fi
    done
    mkdir -p "$data/db/etcd"
    rm -rf "$data/db/etcd-old-1766000001" && mv "$data/db/etcd" "$data/db/etcd-old-1766000001"
    mkdir -p "$data/db/etcd/member" && touch "$data/db/reset-flag"
    rm -rf "$CLUSTER"/* && "$STAND_IN/node-bin/real/tar" -x -f "$file" -C "$CLUSTER"
    rm -f "$CLUSTER/passwords/$node"
    install -m 600 "$CLUSTER/token" "$data/token"
    recorded 'Shutdown request received' restore.txt >&2 # and it ends with 0
    ;;
  *)
    echo "rke2 $*" >>"$STAND_IN/unknown"
    echo "the stand-in rke2 does not know: $*" >&2
    exit 97
    ;;
esac
