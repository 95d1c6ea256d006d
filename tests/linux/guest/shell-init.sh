#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# Init of the shell image. The kernel hands parameters that it doesn't know to init: words as arguments,
# key=value as environment. Understood here:
#   once           power off instead of starting a shell
#   run="COMMANDS" shell commands to run first; the functions below are there for them
#   rows= cols=    size of the terminal at the other end of the serial line
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /root /etc
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
exec </dev/console >/dev/console 2>&1
echo "tenon: init after $(/bin/busybox cut -d' ' -f1 /proc/uptime) s"

/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/root TERM="${TERM:-linux}" PS1='tenon# '
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
cd /root || exit

load_modules() {
  [ -e /modules/order ] || return 0
  while read -r module; do
    insmod "/modules/$module" || echo "tenon: cannot load $module"
  done </modules/order
}

# One line per function: address, vendor:device, class.
pci() {
  for function in /sys/bus/pci/devices/*; do
    [ -e "$function/vendor" ] || continue
    read -r vendor <"$function/vendor"
    read -r device <"$function/device"
    read -r class <"$function/class"
    echo "tenon: pci=${function##*/} ${vendor#0x}:${device#0x} ${class#0x}"
  done
}

rtc() {
  if [ -e /sys/class/rtc/rtc0/since_epoch ]; then
    echo "tenon: rtc=$(cat /sys/class/rtc/rtc0/since_epoch) $(cat /sys/class/rtc/rtc0/name)"
  else
    echo 'tenon: rtc=none'
  fi
}

cpus() { echo "tenon: cpus=$(nproc)"; }

# What the kernel itself complained about; grep counts lines.
complaints() {
  echo "tenon: complaints=$(dmesg | grep -cE 'WARNING:|BUG:|Oops|nobody cared|Call Trace|soft lockup|rcu.*stall')"
  dmesg | grep -E 'WARNING:|BUG:|Oops|nobody cared|soft lockup|rcu.*stall' | sed 's/^/tenon: dmesg: /'
}

report() {
  echo "tenon: kernel=$(uname -r)"
  cpus
  rtc
  pci
  complaints
  echo 'tenon: report done'
}

[ "${rows:-0}" = 0 ] || stty rows "$rows" cols "${cols:-80}"
load_modules
[ -z "$run" ] || eval "$run"
case " $* " in
*' once '*) ;;
*) setsid cttyhack sh ;;
esac
poweroff -f
