#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# Init of L1: reaches the root that rig-run's /config names, runs /command there, and reports its status.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
export PATH=/bin
. /config # overlay= kvm= tty= shares="tag:options:path ..."
times="init=$(cut -d' ' -f1 /proc/uptime)"

fail() {
  echo "<1>rig: $*" >/dev/kmsg
  poweroff -f # without a status: rig-run says that L1 died
}

load() {
  while read -r module; do
    [ -e "/loaded.$module" ] || insmod "/modules/$module" 2>/dev/null
    : >"/loaded.$module"
  done <"/modules/$1.order"
}

# The host's files don't change under a short-lived L1, so the read-only mounts may cache without limit.
mount_9p() { # TAG OPTIONS PATH
  mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000,$2" "$1" "$3"
}

mount_root() {
  load 9pnet_virtio
  load 9p
  mount_9p root ro,cache=loose /root || fail 'cannot mount the root'
  root=/root
  [ -n "$overlay" ] || return
  load overlay
  mount -t tmpfs upper /upper
  mkdir /upper/files /upper/work /upper/root
  root=/upper/root
  mount -t overlay -o lowerdir=/root,upperdir=/upper/files,workdir=/upper/work overlay $root ||
    fail 'cannot mount the overlay'
}

mount_kernel_filesystems() {
  mount -t proc proc $root/proc
  mount -t sysfs sys $root/sys
  mount -t debugfs debug $root/sys/kernel/debug
  mount -t cgroup2 cgroup $root/sys/fs/cgroup
  mount -t devtmpfs dev $root/dev
  ln -sf /proc/self/fd $root/dev/fd
  mkdir -p $root/dev/pts $root/dev/shm $root/dev/hugepages
  mount -t devpts -o gid=5,mode=620,ptmxmode=666 pts $root/dev/pts
  mount -t tmpfs shm $root/dev/shm
  for place in run tmp var/tmp; do
    mount -t tmpfs -o mode=1777 "${place##*/}" $root/$place
  done
}

mount_shares() {
  for share in $shares; do
    tag=${share%%:*} rest=${share#*:}
    path=$root${rest#*:}
    mkdir -p "$path" 2>/dev/null
    mount_9p "$tag" "${rest%%:*}" "$path" || fail "cannot mount a share on ${rest#*:} (use --overlay?)"
  done
}

# The kernel's modules, where modprobe looks if the root can have that directory, else by modprobe's variable.
offer_modules() {
  if mkdir -p $root/usr/lib/modules 2>/dev/null; then
    mount_9p modules ro,cache=loose $root/usr/lib/modules
  else
    mkdir -p $root/run/modules/lib/modules
    mount_9p modules ro,cache=loose $root/run/modules/lib/modules
    export MODPROBE_OPTIONS='-d /run/modules'
  fi
}

load_kvm() {
  case $(grep -m1 -oE 'svm|vmx' /proc/cpuinfo) in
  svm) load kvm-amd ;;
  vmx) load kvm-intel ;;
  esac
  chmod 666 /dev/kvm
}

port() { # NAME: the virtio-serial port that rig-run named so
  for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name" 2>/dev/null)" != "$1" ] || echo "/dev/${port##*/}"
  done
}

run_command() {
  cp /command $root/run/rig-command
  if [ -n "$tty" ]; then
    setsid -c chroot $root /bin/bash /run/rig-command </dev/hvc0 >/dev/hvc0 2>&1
  else
    chroot $root /bin/bash /run/rig-command </dev/null >"$(port out)" 2>"$(port err)"
  fi
}

mount_root
mount_kernel_filesystems
mount_shares
offer_modules
[ -z "$kvm" ] || load_kvm
ip link set lo up
hostname rig
echo "<1>rig: $times ready=$(cut -d' ' -f1 /proc/uptime)" >/dev/kmsg
run_command
status=$?
sync
echo $status >"$(port status)"
poweroff -f
