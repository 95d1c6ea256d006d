#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
# What the guest of hotplug_cases.py runs, besides io-guest.sh. A PLACE is a function's folder below /sys/bus/pci/devices, a
# pattern, as the numbers of buses behind root ports are Linux's.

# What the driver of a kind makes there, once it has.
made() { # disk|nic|rng|port PLACE
  # shellcheck disable=SC2086 # a pattern
  case $1 in
  disk) set -- $2/virtio*/block/vd* ;;
  nic) set -- $2/virtio*/net/eth* ;;
  rng) set -- $2/virtio*/driver ;;
  port) set -- $2/virtio*/virtio-ports/vport*p1 ;;
  esac
  [ -e "$1" ] && echo "${1##*/}"
}

wait_until() { # COMMAND...
  for _ in $(seq 600); do
    "$@" >/dev/null && return
    sleep 0.1
  done
  echo 'in vain'
  return 1
}

# ---- it works ----

use_disk() { # NAME
  dd if=/tmp/seed of="/dev/$1" bs=64k count=16 oflag=direct 2>/dev/null &&
    dd if="/dev/$1" bs=64k count=16 iflag=direct 2>/dev/null | cmp -n 1048576 - /tmp/seed
}

use_nic() { # NAME NETWORK
  ip addr replace "$2.15/24" dev "$1" && ip link set "$1" up && ping -q -c 1 -W 10 -I "$1" "$2.2" >/dev/null
}

# Which generator belongs to which function is nowhere said: all are used.
use_rng() {
  grep -o 'virtio_rng[.0-9]*' /sys/class/misc/hw_random/rng_available | while read -r rng; do
    echo "$rng" >/sys/class/misc/hw_random/rng_current && [ "$(head -c 64 /dev/hwrng | wc -c)" = 64 ] || exit
  done
}

use_port() { # NAME NUMBER
  echo "hello from $2" >"/dev/$1"
}

came() { # KIND PLACE MORE
  wait_until made "$1" "$2" && "use_$1" "$(made "$1" "$2")" "$3" && echo ok
}

# All at once: a line for each, "came NAME: ok" or what is wrong. The generators one after the other: there is one choice of
# them for all.
all_came() { # NAME KIND PLACE MORE, again and again
  while [ $# -ge 4 ]; do
    if [ "$2" = rng ]; then
      echo "came $1: $(came "$2" "$3" "$4" 2>&1 | tail -n 1)"
    else
      (echo "came $1: $(came "$2" "$3" "$4" 2>&1 | tail -n 1)") &
      jobs="$jobs $!"
    fi
    shift 4
  done
  # shellcheck disable=SC2086 # numbers
  wait $jobs
  jobs=
}

# ---- it goes ----

has_gone() { # PLACE
  # shellcheck disable=SC2086 # a pattern
  set -- $1/virtio*
  [ ! -e "$1" ]
}

all_went() { # NAME PLACE, again and again
  while [ $# -ge 2 ]; do
    echo "went $1: $(wait_until has_gone "$2" && echo ok)"
    shift 2
  done
}

# Reads and writes it as long as it is there.
keep_busy() { # disk's PLACE
  dev=/dev/$(made disk "$1")
  while [ -b "$dev" ]; do
    dd if="$dev" of=/dev/null bs=64k iflag=direct
    dd if=/tmp/seed of="$dev" bs=64k count=16 oflag=direct
  done >/dev/null 2>&1 &
}

# ---- the other disk ----

# Random reads and writes, each block with its checksum, until /tmp/stop is there: a line for each turn. A pause in between
# leaves something of the processors to the others.
verify_on() { # NAME
  until [ -e /tmp/stop ]; do verify 2m "$1" 2>&1; sleep 2; done >/tmp/verify &
  verifier=$!
}

verified() {
  touch /tmp/stop
  wait "$verifier"
  echo "turns=$(grep -c ': ok' /tmp/verify) errors=$(grep -vc ': ok' /tmp/verify)"
  grep -v ': ok' /tmp/verify | head
}
