#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
# What the benchmark's guest runs (virtio_io.py), one line "bench: CASE VALUE" for each result.
#   guest-io.sh blk SECONDS   random and sequential I/O on /dev/vda: requests a second, MiB a second for seq
#   guest-io.sh net SECONDS   TCP and small UDP packets to and from 10.9.0.1: Mbit a second, packets a second
seconds=$2

# Terse format 3: field 8 is read IOPS, 49 write IOPS, 7 and 48 KiB a second.
blk() { # NAME FIELD DIVISOR fio's arguments
  name=$1 field=$2 divisor=$3
  shift 3
  fio --name=b --filename=/dev/vda --direct=1 --ioengine=io_uring --time_based --runtime="$seconds" --ramp_time=0.5 \
    --output-format=terse --terse-version=3 "$@" 2>/dev/null |
    awk -F';' -v n="$name" -v f="$field" -v d="$divisor" '/^3;/ { print "bench: " n " " $f / d }'
}

all_blk() {
  for depth in 1 8 32; do
    blk "randread-qd$depth" 8 1 --rw=randread --bs=4k --iodepth=$depth
    blk "randwrite-qd$depth" 49 1 --rw=randwrite --bs=4k --iodepth=$depth
  done
  blk seqread 7 1024 --rw=read --bs=1M --iodepth=4
  blk seqwrite 48 1024 --rw=write --bs=1M --iodepth=4
}

tcp() { # NAME iperf3's arguments
  name=$1
  shift
  iperf3 -c 10.9.0.1 -t "$seconds" -O 1 -f m "$@" |
    awk -v n="$name" '/receiver/ { for (i = 2; i <= NF; i++) if ($i ~ /bits\/sec/) print "bench: " n " " $(i - 1) }'
}

# The last line says lost/total; what arrived is the difference.
udp() { # NAME iperf3's arguments
  name=$1
  shift
  iperf3 -c 10.9.0.1 -u -b 0 -l 64 -t "$seconds" "$@" | awk -v n="$name" -v t="$seconds" '
    /receiver/ { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+\/[0-9]+$/) { split($i, p, "/"); print "bench: " n " " (p[2] - p[1]) / t } }'
}

# What the device brought in, read by the program or not: under a flood a driver's socket drops more the more comes.
frames() { cat /sys/class/net/eth0/statistics/rx_packets; }

udp_in() { # NAME
  before=$(frames)
  udp "$1-read" -R
  echo "bench: $1 $((($(frames) - before) / seconds))"
}

all_net() {
  ip addr add 10.9.0.2/24 dev eth0
  ip link set eth0 up
  ip link set lo up
  sleep 1
  tcp tcp-tx
  tcp tcp-rx -R
  udp udp64-tx
  udp_in udp64-rx
}

"all_$1"
echo 'bench: done 0'
