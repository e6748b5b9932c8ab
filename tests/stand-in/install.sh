#!/bin/sh
# Stand-in for RKE2's install.sh, tests only: the tarball method, with the variables, messages and
# exit codes that scripts can see. Never enables or starts a service. It knows no public address:
# without INSTALL_RKE2_ARTIFACT_PATH or INSTALL_RKE2_ARTIFACT_URL there is nothing to install.
# RKE2_STAND_IN_ROOT is a folder to take for / where units and images go.
set -e
[ "${DEBUG:-}" = 1 ] && set -x
umask 022

root=${RKE2_STAND_IN_ROOT:-}
images_dir=${INSTALL_RKE2_AGENT_IMAGES_DIR:-$root/var/lib/rancher/rke2/agent/images}

info() { echo "[INFO]  $*"; }
warn() { echo "[WARN]  $*" >&2; }
fatal() {
    echo "[ERROR]  $*" >&2
    exit 1
}

check_system() {
    [ "$(id -u)" = 0 ] || fatal "You need to be root to perform this install"
    case $(uname -m) in
        x86_64 | amd64) arch=amd64 ;;
        aarch64 | arm64) arch=arm64 ;;
        s390x) arch=s390x ;;
        *) fatal "unsupported architecture $(uname -m)" ;;
    esac
    prefix=${INSTALL_RKE2_TAR_PREFIX:-/usr/local}
    if [ -z "${INSTALL_RKE2_TAR_PREFIX:-}" ]; then
        if ! mkdir -p /usr/local/bin 2>/dev/null || [ ! -w /usr/local ] || grep -qs ' /usr/local ' /proc/mounts; then
            prefix=/opt/rke2
            warn "/usr/local is read-only or a mount point; installing to $prefix"
        fi
    fi
    [ -n "${INSTALL_RKE2_ARTIFACT_PATH:-}" ] && return
    if command -v curl >/dev/null; then
        downloader=curl
    elif command -v wget >/dev/null; then
        downloader=wget
    else
        fatal "can not find curl or wget for downloading files"
    fi
}

download() { # FILE URL
    if [ "$downloader" = curl ]; then
        curl -fsSL -o "$1" "$2"
    else
        wget -qO "$1" "$2"
    fi
}

find_version() {
    version=${INSTALL_RKE2_VERSION:-}
    if [ -z "$version" ]; then
        channel=${INSTALL_RKE2_CHANNEL:-stable}
        info "finding release for channel $channel"
        url=${INSTALL_RKE2_CHANNEL_URL:-}/$channel
        # as RKE2's script: an unreachable channel server leaves the channel's name as the version
        version=$(curl -fsLw '%{url_effective}' -o /dev/null "$url" 2>/dev/null) || version=$channel
        version=${version##*/}
    fi
    info "using $version as release"
    version=$(echo "$version" | sed 's/+/%2B/g')
}

fetch() {
    if [ -n "${INSTALL_RKE2_ARTIFACT_PATH:-}" ]; then
        from=$INSTALL_RKE2_ARTIFACT_PATH
        info "staging local checksums from $from/sha256sum-$arch.txt"
        cp -f "$from/sha256sum-$arch.txt" "$tmp/sums"
        info "staging tarball from $from/rke2.linux-$arch.tar.gz"
        cp -f "$from/rke2.linux-$arch.tar.gz" "$tmp/tarball"
        return
    fi
    find_version
    [ -n "${INSTALL_RKE2_ARTIFACT_URL:-}" ] || fatal "the stand-in needs INSTALL_RKE2_ARTIFACT_URL"
    from=${INSTALL_RKE2_ARTIFACT_URL%/}/$version
    info "downloading checksums at $from/sha256sum-$arch.txt"
    download "$tmp/sums" "$from/sha256sum-$arch.txt"
    info "downloading tarball at $from/rke2.linux-$arch.tar.gz"
    download "$tmp/tarball" "$from/rke2.linux-$arch.tar.gz"
}

expected() { # NAME
    awk -v name="$1" '$2 == name || $2 == "*" name {print $1}' "$tmp/sums"
}

verify() { # FILE NAME
    wanted=$(expected "$2")
    got=$(sha256sum "$1" | cut -d ' ' -f 1)
    if [ "$wanted" != "$got" ]; then
        echo "[ALT]  look at what is in $from" >&2
        fatal "download sha256 does not match $wanted, got $got"
    fi
}

# Images are installed only when the sum file lists the main archive; otherwise not a word is said.
install_images() {
    main=
    for ending in tar.zst tar.gz; do
        name=rke2-images.linux-$arch.$ending
        if [ -z "$main" ] && [ -f "$from/$name" ] && [ -n "$(expected "$name")" ]; then main=$name; fi
    done
    [ -n "$main" ] || return 0
    info "staging airgap image tarball from $from/$main"
    cp -f "$from/$main" "$tmp/images"
    info "verifying airgap tarball"
    verify "$tmp/images" "$main"
    mkdir -p "$images_dir"
    info "installing airgap tarball to $images_dir"
    case $main in
        *.zst) mv -f "$tmp/images" "$images_dir/$main" ;;
        *) gzip -dc "$tmp/images" >"$images_dir/${main%.gz}" ;;
    esac
    for extra in "$from"/rke2-images-*.linux-"$arch"*; do
        [ -f "$extra" ] && cp -f "$extra" "$images_dir/"
    done
    return 0
}

unpack() {
    info "unpacking tarball file to $prefix"
    mkdir -p "$prefix"
    tar xzf "$tmp/tarball" -C "$prefix" --no-same-owner
    [ "$prefix" = /usr/local ] && return
    units=$root/etc/systemd/system
    info "updating tarball contents to reflect install path"
    mkdir -p "$units"
    for unit in rke2-server.service rke2-agent.service; do
        sed "s|/usr/local|$prefix|g" "$prefix/lib/systemd/system/$unit" >"$units/$unit"
        rm -f "$prefix/lib/systemd/system/$unit"
    done
}

check_system
tmp=$(mktemp -d -t rke2-stand-in.XXXXXXXX)
trap 'rm -rf "$tmp"' EXIT
fetch
# images first, as RKE2's script: a bad tarball leaves them behind
if [ -n "${INSTALL_RKE2_ARTIFACT_PATH:-}" ]; then install_images; fi
info "verifying tarball"
verify "$tmp/tarball" "rke2.linux-$arch.tar.gz"
unpack
if [ -z "${INSTALL_RKE2_SKIP_RELOAD:-}" ]; then systemctl daemon-reload; fi
