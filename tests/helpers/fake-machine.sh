# Read by every bash before its script, so that what that sees of the machine is the same on every machine: files under
# the folders below are those in $STAND_IN/files.
cat() { if [[ ${1-} = /proc/meminfo || ${1-} = /proc/cpuinfo || ${1-} = /etc/os-release || ${1-} = /proc/sys/net/* ]]; then command cat "$STAND_IN/files$1"; else command cat "$@"; fi; }
test() {
  if [[ ${2-} = /dev/kvm || ${2-} = /run/systemd/system || ${2-} = /.dockerenv || ${2-} = /run/.containerenv || ${2-} = /proc/sys/net/* ]]; then builtin test "$1" "$STAND_IN/files$2"; else builtin test "$@"; fi
}
