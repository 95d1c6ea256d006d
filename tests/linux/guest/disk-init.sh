#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
# Init of the disk image's initramfs: loads what stands between the kernel and the disk, waits for
# root= and hands over to the system there, as a distribution's own initramfs does.
PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
while read -r module; do
  insmod "/modules/$module" || echo "tenon: cannot load $module"
done </modules/order
wait=0
while [ ! -b "${root:=/dev/vda}" ] && [ $wait -lt 200 ]; do
  sleep 0.1
  wait=$((wait + 1))
done
if mount -t ext4 -o ro "$root" /root; then
  umount /sys
  mount --move /dev /root/dev
  umount /proc
  exec switch_root /root /sbin/init
fi
echo "tenon: cannot mount $root"
exec poweroff -f
