# SPDX-License-Identifier: BSD-2-Clause
# What rig-setup, rig-run, mkguest and scripts/demo share. Sourced by bash, never run.
# Layout of a rig directory (made by rig-setup, read-only afterwards):
#   kernel/<release>/  vmlinuz, vmlinux (PVH ELF), usr/lib/modules; <release> is 6.1 or 6.12
#   qemu/              an unpacked trixie QEMU 10 with its libraries and a static busybox
#   bin/               qemu-system-x86_64 (a wrapper that runs the above anywhere), tsc-khz
#   l1/                vmlinux and initramfs.cpio of L1
#   guest/             boot.cpio and shell.cpio, initramfs images for L2
#   disk/              with --disk: disk.raw, a Debian trixie on ext4 (root's password: tenon), and boot.cpio to get there
#   root/              with --root: a trixie root with tools, for rig-run --root
# Each of these is made aside and renamed into place, and holds a .stamp that says what it was made from.

PATH=$PATH:/usr/sbin:/sbin

rig_default_dir() { printf '%s\n' "${TENON_RIG:-${XDG_CACHE_HOME:-$HOME/.cache}/tenon-rig}"; }

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit "${DIE_STATUS:-1}"
}

need_programs() {
  local program missing=()
  for program; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  [ ${#missing[@]} = 0 ] || die "missing programs: ${missing[*]} (scripts/deps.sh install)"
}

# module_files TREE MODULE...: the files of the modules and of what they need, in loading order.
# A module that is built into the kernel has no file and is skipped; an unknown one is an error.
module_files() {
  local tree=$1 release module
  release=$(basename "$tree"/usr/lib/modules/*)
  shift
  for module; do
    modprobe -d "$tree/usr" -S "$release" --ignore-install --show-depends "$module" ||
      die "no module $module in $tree"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

# copy_module FILE DIR: puts FILE there as plain .ko without debug symbols.
copy_module() {
  local name=${1##*/} out
  out=$2/${name%.xz}
  case $name in
  *.xz) xz -dc "$1" >"$out" ;;
  *) cp "$1" "$out" ;;
  esac
  strip --strip-debug "$out"
}

# pack_cpio DIR OUT: an initramfs owned by root whoever makes it.
pack_cpio() { (cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc -R 0:0 --quiet) >"$2"; }
