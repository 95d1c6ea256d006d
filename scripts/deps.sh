#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# deps.sh list|missing|install [GROUP...]: the Debian packages that Tenon needs, in one place.
#   build  to compile it        rig    to make and run the nested test rig (scripts/demo, tests/linux)
#   check  what scripts/check uses besides; without a GROUP all of them
set -euo pipefail

build=(meson ninja-build pkg-config gcc libc6-dev python3 libfdt-dev liburing-dev libnbd-dev
  libslirp-dev systemtap-sdt-dev)
rig=(gcc libc6-dev binutils python3 ca-certificates debian-archive-keyring cpio kmod xz-utils zstd util-linux mmdebstrap)
check=(clang llvm libclang-rt-14-dev clang-format gcovr acpica-tools device-tree-compiler qemu-system-x86 busybox-static
  shellcheck clang-tidy g++ make git nbdkit qemu-utils fio tcpdump libdpdk-dev graphviz mandoc bash-completion)
# Its packages start a server that the network can reach, where there is something that starts servers.
[ -d /run/systemd/system ] || check+=(samba smbclient)

die() {
  echo "deps.sh: $*" >&2
  exit 1
}

packages_of() {
  local group
  for group; do
    case $group in
    build) printf '%s\n' "${build[@]}" ;;
    rig) printf '%s\n' "${rig[@]}" ;;
    check) printf '%s\n' "${check[@]}" ;;
    *) die "unknown group $group" ;;
    esac
  done | sort -u
}

missing_of() {
  local package
  for package in $(packages_of "$@"); do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root: $*"
  fi
}

install_missing() {
  local missing
  mapfile -t missing < <(missing_of "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "deps.sh: installing ${missing[*]}" >&2
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

verb=${1:-}
[ $# = 0 ] || shift
[ $# -gt 0 ] || set -- build rig check
case $verb in
list) packages_of "$@" ;;
missing) missing_of "$@" ;;
install) install_missing "$@" ;;
*) sed -n '3,5s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
