#!/bin/bash
# A stand-in for virsh and the libvirt behind it. What is there is kept in files:
#   $STAND_IN/domains/NAME/{live.xml,config.xml,state}   pools/NAME/{xml,active}   networks/NAME/{xml,active}
#   $STAND_IN/volumes/NAME/{data,xml}   (of the pool rke2-kvm-lab)
# XML is what libvirt 9.0.0 printed (tests/fixtures) with this domain's or volume's values put in.
# $STAND_IN/failures holds lines "PATTERN<tab>MESSAGE": a command that matches fails with the message.
set -u
cd "$STAND_IN" || exit 97
if [[ $* = --version ]]; then echo 9.0.0; exit; fi
pool=rke2-kvm-lab
path=/var/lib/libvirt/images/$pool
printf -v call ' %q' "$@"
echo "${0##*/}$call" >>calls

fail() { echo "error: $*" >&2; return 1; }
unknown() {
  echo "virsh $*" >>unknown
  echo "the stand-in virsh does not know: $*" >&2
  exit 97
}
list() { # KIND: names of all, or of the active ones
  local name
  for name in "$1"/*/; do
    name=${name%/} name=${name##*/}
    if [[ $name != '*' && ($2 = all || -e $1/$name/active) ]]; then printf '%-20s\n' "$name"; fi
  done
}
domain() { # NAME-OR-UUID: its folder
  local folder
  for folder in domains/*/; do
    [[ -e $folder/state ]] || continue
    if [[ $folder = "domains/$1/" || $(<"$folder/config.xml") = *"<uuid>$1</uuid>"* ]]; then
      echo "$folder"
      return
    fi
  done
  fail "failed to get domain '$1'"
}
value() { [[ $1 =~ $2 ]] && echo "${BASH_REMATCH[1]}"; }

define() { # FILE
  local xml name memory lab volume nic side
  xml=$(<"$1")
  name=$(value "$xml" '<name>([^<]*)')
  lab=$(value "$xml" " lab='([^']*)")
  memory=$(($(value "$xml" "<memory unit='MiB'>([0-9]*)") * 1024))
  volume=$(value "$xml" "/([^/']*)-seed.iso'")
  if [[ $xml =~ "<source network='"([^\']*) ]]; then nic="network ${BASH_REMATCH[1]}"; else nic="bridge $(value "$xml" "bridge='([^']*)")"; fi
  mkdir -p "domains/$name"
  for side in running persistent; do
    sed -e "s/<domain type='qemu'/<domain type='$(value "$xml" "<domain type='([^']*)")'/" \
      -e "s/<uuid>.*</<uuid>$(value "$xml" '<uuid>([^<]*)')</" \
      -e "s|lab-kubemaster|$volume|g" -e "s|<name>kubemaster|<name>$name|" \
      -e "s|<title>.*<|<title>$(value "$xml" '<title>([^<]*)')<|" \
      -e "s|lab=\"lab\" role=\"server\" address=\"192.168.1.30\"|lab=\"$lab\" role=\"$(value "$xml" "role='([^']*)")\" address=\"$(value "$xml" " address='([^']*)'/>")\"|" \
      -e "s|emory unit='KiB'>[0-9]*|emory unit='KiB'>$memory|" \
      -e "s|<vcpu placement='static'>.*<|<vcpu placement='static'>$(value "$xml" '<vcpu>([^<]*)')<|" \
      -e "s|<mac address='.*'|<mac address='$(value "$xml" "<mac address='([^']*)")'|" \
      -e "s|<interface type='bridge'|<interface type='${nic% *}'|" -e "s|<source bridge='br0'|<source ${nic% *}='${nic#* }'|" \
      -e "s|kubemaster.console|$name.console|" "$FIXTURES/domain-$side.libvirt-9.0.0.xml" >"domains/$name/$side.xml"
  done
  mv "domains/$name/persistent.xml" "domains/$name/config.xml"
  echo 'shut off' >"domains/$name/state"
  echo "Domain '$name' defined from $1"
}
table() { # all: those that are off as well. The numbers of domains are not kept.
  local folder state rows=
  for folder in domains/*/; do
    state=$(cat "$folder/state" 2>/dev/null) || continue
    folder=${folder#domains/}
    if [[ $1 || $state = running ]]; then rows+=$(printf ' %-4s %-6s %s' - "${folder%/}" "$state")$'\n'; fi
  done
  printf ' %-4s %-6s %s\n%s\n%s\n' Id Name State -------------------- "$rows"
}
define_network() { # XML
  local name
  name=$(value "$1" '<name>([^<]*)')
  mkdir -p "networks/$name"
  sed -e "s|<name>.*<|<name>$name<|; s|<uuid>.*<|<uuid>$(value "$1" '<uuid>([^<]*)')<|" \
    -e "s|<ip address='[^']*' netmask='[^']*'|<ip address='$(value "$1" "<ip address='([^']*)")' netmask='$(value "$1" "netmask='([^']*)")'|" \
    "$FIXTURES/network.libvirt-9.0.0.xml" >"networks/$name/xml"
}
address() { value "$(<"$1/config.xml")" 'address="([^"]*)"'; }
start() { # FOLDER
  local name=${1#domains/} unit
  [[ $(<"$1/state") = 'shut off' ]] || { fail "Domain is already active"; return; }
  cp "$1/running.xml" "$1/live.xml"
  # What is not in the drive at the start is not in it afterwards.
  grep -q 'seed.iso' "$1/config.xml" || sed -i '/seed\.iso/d' "$1/live.xml"
  echo running >"$1/state"
  mkdir -p network
  if [[ ! -e silent ]]; then echo open >"network/$(address "$1")"; fi
  for unit in "nodes/${name%/}"/run/enabled-*; do # as systemd does
    [[ -e $unit ]] || continue
    touch "nodes/${name%/}/run/started" && echo activating >"nodes/${name%/}/run/${unit##*enabled-}"
  done
  echo "Domain '${name%/}' started"
}
new_volume() { # NAME TEMPLATE CAPACITY BACKING
  [[ ! -e volumes/$1 ]] || { fail "Failed to create vol
error: storage volume '$1' exists already"; return; }
  mkdir -p "volumes/$1"
  : >"volumes/$1/data"
  sed -e "s|lab-kubemaster.qcow2|$1|; s|lab-kubemaster-seed.iso|$1|; s|base-0a04793648ffdd5e.qcow2|${4:-$1}|" \
    -e "s|<capacity unit='bytes'>.*<|<capacity unit='bytes'>$3<|" "$FIXTURES/volume-$2.libvirt-9.0.0.xml" >"volumes/$1/xml"
}
vol_create() { # FILE
  local xml name backing
  xml=$(<"$1")
  name=$(value "$xml" '<name>([^<]*)')
  backing=$(value "$xml" "<path>$path/([^<]*)")
  if [[ $backing ]]; then
    [[ -e volumes/$backing ]] || { fail "Storage volume not found: $backing"; return; }
    new_volume "$name" overlay "$(value "$xml" '<capacity[^>]*>([0-9]*)')" "$backing"
  else
    new_volume "$name" base 0 ''
  fi && echo "Vol $name created from $1"
}
vol_upload() { # NAME FILE
  local size capacity
  cp "$2" "volumes/$1/data"
  size=$(stat -c %s "$2") capacity=$(stat -c %s "$2")
  if [[ $(head -c 3 "$2") = QFI ]]; then capacity=$(od -An -tu8 --endian=big -j24 -N8 "$2"); fi
  sed -i "s|<physical unit='bytes'>.*<|<physical unit='bytes'>$size<|; s|<capacity unit='bytes'>.*<|<capacity unit='bytes'>${capacity// /}<|" "volumes/$1/xml"
}
the_pool() { # NAME: it is there
  [[ -e pools/$1 ]] || fail "failed to get pool '$1'
error: Storage pool not found: no storage pool with matching name '$1'"
}
active() { # NAME: so that its volumes can be listed
  the_pool "$1" && { [[ -e pools/$1/active ]] || fail "Failed to $2
error: Requested operation is not valid: storage pool '$1' is not active"; }
}
the_network() { [[ -e networks/$1 ]] || fail "failed to get network '$1'
error: Network not found: no network with matching name '$1'"; }
log() { # NAME
  the_pool $pool-logs || return
  [[ -e logs/$1 ]] || fail "failed to get vol '$1'
error: Storage volume not found: no storage vol with matching path '$1'"
}
forget_disk() { # NAME: what was on it; on the first server that is the cluster
  local config=nodes/$1/etc/rancher/rke2/config.yaml
  if [[ -e $config ]] && ! grep -q '^server:' "$config"; then rm -rf cluster/*; fi
  rm -rf "nodes/$1"
}
volume() { # NAME
  the_pool $pool || return
  [[ -e pools/$pool/active ]] || { fail "pool '$pool' is not active"; return; }
  [[ -e volumes/$1 ]] || fail "failed to get vol '$1'
error: Storage volume not found: no storage vol with matching path '$1'"
}
number_in() { value "$(<"$1/config.xml")" "$2"; } # FOLDER PATTERN
set_number() { # FOLDER SED: for the next start
  sed -i "$2" "$1/config.xml" "$1/running.xml"
}
set_vcpus() { # FOLDER COUNT [maximum]: a number above the maximum is refused, a lower maximum lowers both
  local now most
  most=$(number_in "$1" '<vcpu [^>]*>([0-9]*)')
  now=$(number_in "$1" " current='([0-9]*)'") now=${now:-$most}
  if [[ ${3:-} ]]; then most=$2 now=$((now < most ? now : most)); else now=$2; fi
  ((now <= most)) || { fail "invalid argument: requested vcpus is greater than max allowable vcpus for the persistent domain: $now > $most"; return; }
  ((now == most)) && now= || now=" current='$now'"
  set_number "$1" "s|<vcpu .*</vcpu>|<vcpu placement='static'$now>$most</vcpu>|"
}
set_memory() { # FOLDER SIZE [maximum]
  local now most
  [[ $2 = *MiB ]] || unknown "memory of $2"
  most=$(number_in "$1" "<memory unit='KiB'>([0-9]*)") now=$(number_in "$1" "<currentMemory unit='KiB'>([0-9]*)")
  if [[ ${3:-} ]]; then most=$((${2%MiB} * 1024)) now=$((now < most ? now : most)); else now=$((${2%MiB} * 1024)); fi
  ((now <= most)) || { fail 'invalid argument: cannot set memory higher than max memory'; return; }
  set_number "$1" "s|<memory .*|<memory unit='KiB'>$most</memory>|; s|<currentMemory .*|<currentMemory unit='KiB'>$now</currentMemory>|"
}
capacity() { value "$(<"volumes/$1/xml")" '<capacity[^>]*>([0-9]*)'; }
set_capacity() { # VOLUME BYTES: what is on it does not grow with it
  local kind run=${1#*-}
  run=nodes/${run%.qcow2}/run
  for kind in partition filesystem; do [[ -e $run/$kind ]] || capacity "$1" >"$run/$kind"; done
  sed -i "s|<capacity unit='bytes'>.*<|<capacity unit='bytes'>$2<|" "volumes/$1/xml"
}
disk_of() { value "$(<"$1/config.xml")" "$path/([^']*\.qcow2)"; } # FOLDER
vol_resize() { # VOLUME BYTES; the disk of a machine that is on is locked
  local folder
  for folder in domains/*/; do
    [[ $(disk_of "$folder") = "$1" && $(<"$folder/state") != 'shut off' ]] || continue
    fail "Failed to change size of volume '$1' to ${2}B
error: internal error: Child process (/usr/bin/qemu-img resize $path/$1 $2) unexpected exit status 1: qemu-img: Could not open '$path/$1': Failed to get \"write\" lock"
    return
  done
  (($2 >= $(capacity "$1"))) || { fail "Failed to change size of volume '$1' to ${2}B
error: invalid argument: Can't shrink capacity below current capacity unless shrink flag explicitly specified"; return; }
  set_capacity "$1" "$2" && echo "Size of volume '$1' successfully changed to ${2}B"
}
change_media() { # FOLDER SIDE
  if [[ $2 = --live ]]; then
    [[ -e $1/live.xml ]] || { fail "The disk device 'sda' doesn't have media"; return; }
    sed -i "s|<source file='.*seed\.iso.*>|<source index='4'/>|" "$1/live.xml"
  else
    grep -q 'seed\.iso' "$1/config.xml" || { fail "The disk device 'sda' doesn't have media"; return; }
    sed -i '/seed\.iso/d' "$1/config.xml"
  fi
  echo 'Successfully ejected media.'
}

one() { # one command with its words
  local folder line pattern message
  if [[ -e failures ]]; then
    while IFS=$'\t' read -r pattern message; do
      # shellcheck disable=SC2053 # a pattern
      if [[ $* = $pattern ]]; then fail "$message"; return; fi
    done <failures
  fi
  case "$*" in
    'list --all --uuid') sed -n 's|.*<uuid>\(.*\)</uuid>|\1|p' domains/*/config.xml 2>/dev/null || true ;;
    list) table '' ;;
    'list --all') table all ;;
    'console '*) folder=$(domain "$2") && echo "Connected to domain '$2'" ;;
    'pool-list --all --name') list pools all ;;
    'pool-list --name') list pools active ;;
    'pool-list --name --transient') [[ ! -e pools/$pool-logs ]] || echo "$pool-logs" ;;
    'net-list --all --name') list networks all ;;
    'net-list --name') list networks active ;;
    'dumpxml --inactive '*) folder=$(domain "$3") && cat "$folder/config.xml" ;;
    'dumpxml '*) folder=$(domain "$2") && { cat "$folder/live.xml" 2>/dev/null || cat "$folder/config.xml"; } ;;
    'domstate --reason '*) folder=$(domain "$3") && echo "$(<"$folder/state") (unknown)" ;;
    'domstate '*) folder=$(domain "$2") && cat "$folder/state" ;;
    'dominfo '*) folder=$(domain "$2") && printf 'State:          %s\nPersistent:     yes\nAutostart:      %s\n' "$(<"$folder/state")" "$(cat "$folder/autostart" 2>/dev/null || echo disable)" ;;
    'autostart '*' --disable') folder=$(domain "$2") && echo disable >"$folder/autostart" && echo "Domain '$2' unmarked as autostarted" ;;
    'autostart '*) folder=$(domain "$2") && echo enable >"$folder/autostart" && echo "Domain '$2' marked as autostarted" ;;
    "pool-refresh $pool") active $pool "refresh pool $pool" ;;
    "pool-autostart $pool") echo "Pool $pool marked as autostarted" ;;
    "pool-dumpxml $pool") the_pool $pool && cat "pools/$pool/xml" ;;
    "vol-list $pool") active $pool 'list volumes' && for folder in volumes/*/; do [[ -e $folder ]] && folder=${folder%/} && printf ' %-30s %s\n' "${folder##*/}" "$path/${folder##*/}"; done; true ;;
    "vol-dumpxml --pool $pool "*) volume "$4" && cat "volumes/$4/xml" ;;
    'net-dumpxml '*) the_network "$2" && cat "networks/$2/xml" ;;
    'net-uuid '*) the_network "$2" && value "$(<"networks/$2/xml")" '<uuid>([^<]*)' ;;

    'define --validate '*) define "$OLDPWD/$3" ;;
    'start '*) folder=$(domain "$2") && start "$folder" ;;
    'resume '* | 'dompmwakeup '*) folder=$(domain "$2") && echo running >"$folder/state" ;;
    'destroy '*)
      folder=$(domain "$2") && echo 'shut off' >"$folder/state" && rm -f "$folder/live.xml" "network/$(address "$folder")" &&
        echo "Domain '$2' destroyed"
      ;;
    'shutdown '*) # guests in the file deaf do not hear it
      folder=$(domain "$2") || return
      [[ $(<"$folder/state") = running ]] || { fail "Failed to shutdown domain '$2'
error: Requested operation is not valid: domain is not running"; return; }
      grep -qsxF "$2" deaf || one destroy "$2" >/dev/null
      echo "Domain '$2' is being shutdown"
      ;;
    'setvcpus '*' --config --maximum') folder=$(domain "$2") && set_vcpus "$folder" "$3" maximum ;;
    'setvcpus '*' --config') folder=$(domain "$2") && set_vcpus "$folder" "$3" ;;
    'setmaxmem '*' --config') folder=$(domain "$2") && set_memory "$folder" "$3" maximum ;;
    'setmem '*' --config') folder=$(domain "$2") && set_memory "$folder" "$3" ;;
    "vol-resize --pool $pool "*B) volume "$4" && vol_resize "$4" "${5%B}" ;;
    'domblkinfo '*' vda') folder=$(domain "$2") && printf 'Capacity:       %s\nAllocation:     204800\nPhysical:       262176\n' "$(capacity "$(disk_of "$folder")")" ;;
    'blockresize '*' vda '*B)
      folder=$(domain "$2") && set_capacity "$(disk_of "$folder")" "${4%B}" && echo "Block device 'vda' is resized"
      ;;
    'undefine '*) folder=$(domain "$2") && rm -r "$folder" && forget_disk "$2" && echo "Domain '$2' has been undefined" ;;
    'change-media '*' sda --eject '*) folder=$(domain "$2") && change_media "$folder" "$5" ;;
    "vol-create --pool $pool "*) vol_create "$OLDPWD/$4" ;;
    "vol-create-as --pool $pool "*' 0 --format raw') new_volume "$4" seed 0 '' && echo "Vol $4 created" ;;
    "vol-upload --pool $pool "*)
      [[ $5 = /* ]] || set -- "${@:1:4}" "$OLDPWD/$5"
      volume "$4" && vol_upload "$4" "$5"
      ;;
    "vol-download --pool $pool "*' /dev/stdout --offset '*' --length '*) volume "$4" && tail -c "+$(($7 + 1))" "volumes/$4/data" | head -c "$9" ;;
    "vol-delete --pool $pool "*) volume "$4" && rm -r "volumes/$4" && echo "Vol $4 deleted" ;;
    'pool-define --validate '*)
      mkdir -p pools/$pool && cp "$FIXTURES/pool.libvirt-9.0.0.xml" pools/$pool/xml && echo "Pool $pool defined from $3"
      ;;
    "pool-start --build $pool") touch pools/$pool/active && echo "Pool $pool started" ;;
    "pool-destroy $pool") rm pools/$pool/active && echo "Pool $pool destroyed" ;;
    "pool-delete $pool") [[ ! -e volumes || $(ls volumes) = '' ]] && echo "Pool $pool deleted" ;;
    "pool-undefine $pool") rm -r pools/$pool && echo "Pool $pool has been undefined" ;;
    'net-define --validate '*) define_network "$(<"$OLDPWD/$3")" && echo "Network defined from $3" ;;
    'net-autostart '*) echo "Network $2 marked as autostarted" ;;
    'net-start '*) touch "networks/$2/active" && echo "Network $2 started" ;;
    'net-destroy '*) rm "networks/$2/active" && echo "Network $2 destroyed" ;;
    'net-undefine '*) rm -r "networks/$2" && echo "Network $2 has been undefined" ;;
    # The logs: a transient pool in another folder.
    "pool-create-as $pool-logs dir --target /var/log/libvirt/qemu")
      if [[ -e pools/$2 ]]; then fail "operation failed: pool '$2' already exists"; return; fi
      mkdir -p "pools/$2" logs && touch "pools/$2/active" && echo "Pool $2 created"
      ;;
    "pool-destroy $pool-logs") the_pool "$2" && rm -r "pools/$2" && echo "Pool $2 destroyed" ;;
    "vol-list $pool-logs") the_pool "$2" && for line in logs/*; do [[ -e $line ]] && printf ' %-30s /var/log/libvirt/qemu/%s\n' "${line##*/}" "${line##*/}"; done; true ;;
    "vol-delete --pool $pool-logs "*) log "$4" && rm "logs/$4" && echo "Vol $4 deleted" ;;
    "vol-download --pool $pool-logs "*) log "$4" && cat "logs/$4" ;;
    'domcapabilities '*) true ;;
    *) unknown "$@" ;;
  esac
}

[[ $1 = -c ]] || unknown "$@"
shift 2
if [[ -e no-connection ]]; then
  cat no-connection >&2
  exit 1
fi
quiet=
if [[ ${1:-} = -q ]]; then quiet=yes && shift; fi
killed_now() { # kill-after as in fake-node.sh
  local call=${0##*/}$call
  [[ -e kill-after && $(tail -n +2 kill-after) = "$call" && $(grep -Fxc -e "$call" calls) = "$(head -n 1 kill-after)" ]] || return 0
  rm kill-after
  kill -9 "$SCRIPT_PID"
}
if (($# > 1)); then
  one "$@"
  status=$?
  killed_now
  exit $status
fi
# One word holds commands, as virsh has it: it goes on after an error and ends with the status of the last one.
status=0
while IFS= read -r line; do
  [[ $line ]] || continue
  read -ra words <<<"$line"
  if [[ ${words[0]} = echo ]]; then # a quiet one on stdout ends no line
    if [[ ${words[1]} = --err ]]; then echo "error: ${words[*]:2}" >&2; else printf '%s' "${words[*]:1}"; fi
    [[ $quiet ]] || echo
    status=0
    continue
  fi
  one "${words[@]}"
  status=$?
done <<<"${1//; /$'\n'}"
killed_now
exit $status
