#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
# What the guest of io_cases.py runs. Each function's last word is "ok", or what it said before tells what is wrong.

# The disk with this serial number.
disk() { # NAME
  for block in /sys/block/vd*; do
    [ "$(cat "$block/serial" 2>/dev/null)" != "$1" ] || { echo "/dev/${block##*/}" && return; }
  done
  echo "no disk $1"
  return 1
}

# The interface whose MAC address ends in these two digits.
nic() { # NN
  for interface in /sys/class/net/*; do
    case $(cat "$interface/address") in *:0e:00:"$1") echo "${interface##*/}" && return ;; esac
  done
  echo "no NIC $1"
  return 1
}

make_seed() { dd if=/dev/urandom of=/tmp/seed bs=1M count=4 2>/dev/null && sha256sum /tmp/seed | cut -d' ' -f1 >/tmp/seed.sum; }

# stdin is what was made.
is_seed() { [ "$(sha256sum | cut -d' ' -f1)" = "$(cat /tmp/seed.sum)" ]; }

# Not busybox's own, which a busybox shell takes first.
ping() { /usr/bin/ping "$@"; }
blkdiscard() { /usr/bin/blkdiscard "$@"; }

# --- disks ---

# A file system that is filled, checked and read again.
files() { # NAME
  dev=$(disk "$1") && mkfs.ext4 -q -F "$dev" && mkdir -p "/mnt/$1" && mount -t ext4 "$dev" "/mnt/$1" &&
    for i in 1 2 3 4; do cp /tmp/seed "/mnt/$1/$i" || return; done &&
    rm "/mnt/$1/2" && cp /tmp/seed "/mnt/$1/5" && umount "/mnt/$1" && blockdev --flushbufs "$dev" &&
    { e2fsck -fn "$dev" >"/tmp/fsck.$1" 2>&1 || { echo "e2fsck: $?: $(tail -n 2 "/tmp/fsck.$1")"; return; }; } &&
    mount -t ext4 -o ro "$dev" "/mnt/$1" &&
    for i in 1 3 4 5; do is_seed <"/mnt/$1/$i" || { echo "file $i: $(cmp "/mnt/$1/$i" /tmp/seed 2>&1)"; return; }; done &&
    umount "/mnt/$1" && echo ok
}

# Several disks at once: a line for each, NAME: what files said.
all_files() { # NAME...
  for name in "$@"; do (echo "files $name: $(files "$name" 2>&1 | tail -n 3)") & done
  wait
}

# Random reads and writes of several disks at once, each block with its checksum: a line for each, NAME and fio's error.
# Statistics of disks are off: fio complains where one goes that it looks at, its own or not.
verify() { # SIZE NAME...
  size=$1
  shift
  for name in "$@"; do set -- "$@" --name="$name" --filename="$(disk "$name")"; done
  while [ "${1#--}" = "$1" ]; do shift; done
  fio --thread --direct=1 --ioengine=io_uring --rw=randrw --bs=4k --size="$size" --iodepth=16 --fdatasync=64 --verify=crc32c \
    --verify_fatal=1 --disk_util=0 --output-format=terse --terse-version=3 "$@" 2>&1 |
    awk -F';' '/^3;/ { print "verify " $3 ": " ($5 == 0 && $6 > 0 && $47 > 0 ? "ok" : "error " $5 ", " $6 " KiB read, " $47 " written"); next } { print }'
}

# Files that are removed again, and the file system's free blocks given back.
trim() { # NAME
  dev=$(disk "$1") && mkfs.ext4 -q -F -E nodiscard "$dev" && mkdir -p "/mnt/$1" && mount -t ext4 "$dev" "/mnt/$1" &&
    cp /tmp/seed "/mnt/$1/a" && sync && rm "/mnt/$1/a" && fstrim "/mnt/$1" && umount "/mnt/$1" && echo ok
}

zeroes() { # NAME
  dev=$(disk "$1") && [ "$(cat "/sys/block/${dev#/dev/}/queue/write_zeroes_max_bytes")" != 0 ] &&
    dd if=/tmp/seed of="$dev" bs=1M oflag=direct 2>/dev/null && blkdiscard -z -o 1048576 -l 2097152 "$dev" &&
    dd if="$dev" bs=1M skip=1 count=2 iflag=direct 2>/dev/null | cmp -n 2097152 - /dev/zero &&
    dd if="$dev" bs=1M count=1 iflag=direct 2>/dev/null | cmp -n 1048576 - /tmp/seed && echo ok
}

refuses_writes() { # NAME
  dev=$(disk "$1") && [ "$(blockdev --getro "$dev")" = 1 ] && ! dd if=/tmp/seed of="$dev" bs=4k count=1 2>/dev/null &&
    dd if="$dev" of=/dev/null bs=1M count=1 2>/dev/null && echo ok
}

# What was written comes back.
quick_disk() { # NAME
  dev=$(disk "$1") && dd if=/tmp/seed of="$dev" bs=64k count=16 oflag=direct 2>/dev/null &&
    dd if="$dev" bs=64k count=16 iflag=direct 2>/dev/null | cmp -n 1048576 - /tmp/seed && echo ok
}

# --- networks ---

up() { # NN ADDRESS/BITS
  dev=$(nic "$1") && ip addr replace "$2" dev "$dev" && ip link set "$dev" up && ip link set lo up && echo ok
}

# Both ways through a server that sends back what it got.
echoed() { # ADDRESS
  nc "$1" 7007 </tmp/seed | is_seed && echo ok
}

# Mbit a second there, and back. An amount and not a time: on a busy machine one second may see nothing.
throughput() { # ADDRESS
  for way in '' -R; do
    for again in 1 2 3 4 5; do
      sleep "$again" # a server that has just finished refuses the next
      said=$(iperf3 -c "$1" -n 4M -f m $way 2>&1)
      case $said in *busy*) ;; *) break ;; esac
    done
    echo "$said" | awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i ~ /bits/) print $(i - 1) } /error/'
  done
}

quick_net() { # NN ADDRESS/BITS PEER
  up "$1" "$2" >/dev/null && ping -q -c 2 -i 0.05 -W 5 "$3" >/dev/null && echo ok
}

# An address, name server and router by DHCP.
dhcp() { # NN
  printf '#!/bin/sh\n[ "$1" != bound ] || { ip addr add "$ip/${mask:-24}" dev "$interface" && ip route add default via "$router"; }\n' >/tmp/udhcpc.sh
  chmod +x /tmp/udhcpc.sh
  dev=$(nic "$1") && ip link set "$dev" up && udhcpc -i "$dev" -n -q -f -s /tmp/udhcpc.sh >/tmp/udhcpc.log 2>&1 && echo ok
}

# --- other devices ---

quick_rng() { [ "$(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c)" = 64 ] && echo ok; }

port() { # NAME of a port
  for name in /sys/class/virtio-ports/*/name; do
    case $(cat "$name") in "$1") name=${name%/name} && echo "/dev/${name##*/}" && return ;; esac
  done
  echo "no port $1"
  return 1
}

# The host sends back what it gets.
quick_port() { # [BYTES]
  bytes=${1:-65536}
  dev=$(port echo) && exec 7<>"$dev" || return
  head -c "$bytes" /tmp/seed >&7 &
  head -c "$bytes" <&7 | cmp -n "$bytes" - /tmp/seed && echo ok
  wait $!
  exec 7>&-
}

# --- drivers that come and go ---

# The virtio device below a disk, an interface, a port's or the generator's class.
virtio_of() { # blk|net|rng|console
  case $1 in
  blk) path=/sys/block/$(basename "$(disk a)")/device ;;
  net) path=/sys/class/net/$(nic 00)/device ;;
  console) path=/sys/class/virtio-ports/$(basename "$(port echo)")/device ;;
  rng) path=$(echo /sys/bus/virtio/drivers/virtio_rng/virtio*) ;;
  esac
  basename "$(readlink -f "$path")"
}

quick() { # blk|net|rng|console
  case $1 in
  blk) quick_disk a ;;
  net) quick_net 00 10.9.0.2/24 10.9.0.1 ;;
  rng) quick_rng ;;
  console) quick_port ;;
  esac
}

# Something is under way when the driver goes. Not on hvc0: Linux frees what the console is still sending as if it were a
# port's buffer (remove_vqs).
disturb() { # blk|net|rng|console
  case $1 in
  blk) dd if="$(disk a)" of=/dev/null bs=256k iflag=direct ;;
  net) ping -q -f -c 200 -s 1000 10.9.0.1 ;;
  rng) dd if=/dev/hwrng of=/dev/null bs=64 count=64 ;;
  console) dd if=/tmp/seed of="$(port sink)" bs=1k count=64 ;;
  esac >/dev/null 2>&1 &
}

# The driver is taken from the device and given to it again, with work in between.
rebind() { # KIND TIMES
  device=$(virtio_of "$1")
  driver=$(readlink -f "/sys/bus/virtio/devices/$device/driver")
  for i in $(seq "$2"); do
    disturb "$1"
    echo "$device" >"$driver/unbind" && echo "$device" >"$driver/bind" || return
    wait
    settled "$1" && said=$(quick "$1" 2>&1) || { echo "turn $i: $said" && return; }
  done
  echo ok
}

# What the driver makes is there soon, not at once.
settled() { # KIND
  for _ in $(seq 50); do
    case $1 in
    blk) disk a ;;
    net) nic 00 ;;
    console) port echo ;;
    *) true ;;
    esac >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "$1 did not come back"
  return 1
}

reload_transport() { # MODULE
  file=/modules/$(grep -E "^${1}.ko" /modules/order)
  for i in 1 2 3; do
    rmmod "$1" && [ ! -e /sys/block/vda ] && insmod "$file" && settled blk && settled net && settled console || return
  done
  echo ok
}

all_quick() {
  for kind in blk net rng console; do
    said=$(settled $kind && quick $kind 2>&1)
    [ "$said" = ok ] || { echo "$kind: $said" && return; }
  done
  echo ok
}

# --- load on all at once ---

# until_then COMMAND...: again and again; its line is "load NAME: TIMES ok" or what went wrong.
until_then() { # NAME COMMAND...
  name=$1 times=0
  shift
  while [ "$(cut -d. -f1 /proc/uptime)" -lt "$end" ]; do
    said=$("$@" 2>&1) || { echo "load $name: failed after $times: $said" && return; }
    times=$((times + 1))
  done
  echo "load $name: $times ok"
}

verify_ok() { verify 2m "$1" | grep -q ': ok' || { echo "fio: $1" && return 1; }; }
iperf_ok() {
  rates=$(throughput "$1")
  [ "$(echo "$rates" | grep -c '^[1-9]')" = 2 ] || { echo "$rates"; return 1; }
}
ping_ok() { ping -q -f -c 200 -s 1400 -W 10 10.0.2.2 | grep -q ' 0% packet loss'; }
port_ok() { [ "$(quick_port 262144)" = ok ]; }
rng_ok() { [ "$(head -c 1024 /dev/hwrng | wc -c)" = 1024 ]; }
console_ok() { base64 /tmp/seed | head -n 200 >/dev/hvc0; }

load() { # SECONDS
  end=$(($(cut -d. -f1 /proc/uptime) + $1))
  up 00 10.9.0.2/24 && up 10 10.9.10.2/24 >/dev/null
  until_then disk-a verify_ok a &
  until_then disk-b verify_ok b &
  until_then tap iperf_ok 10.9.0.1 &
  until_then vhost echoed 10.9.10.1 &
  until_then user ping_ok &
  until_then port port_ok &
  until_then rng rng_ok &
  until_then console console_ok &
  wait
}

faults() { dmesg | grep -E 'WARNING:|BUG:|Oops|nobody cared|soft lockup|rcu.*stall|NETDEV WATCHDOG'; }

# --- another kernel ---

# Loads the kernel and the image of disk "boot"; the devices are left as they are.
load_kernel() { # COMMAND_LINE [-p], which is for a panic
  mkdir -p /tmp/boot && tar -xf "$(disk boot)" -C /tmp/boot &&
    kexec -s "${2:--l}" /tmp/boot/vmlinuz --initrd=/tmp/boot/second.cpio --command-line="$1" && echo ok
}
