#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# link-plugin.sh OBJCOPY OUTPUT INPUT... -- NAME CC...: makes one object of a plugin's objects, whose description is called
# tn_plugin_v1_NAME there, and whose other symbols are its own.
set -eu
objcopy=$1 output=$2
shift 2
inputs=
for word; do
  shift
  [ "$word" != -- ] || break
  inputs="$inputs $word"
done
symbol=tn_plugin_v1_$1
shift
# shellcheck disable=SC2086 # names that the build made have no blanks
"$@" -r -nostdlib -o "$output.all" $inputs
# _.stapsdt.base: what static probes are relative to; the linker keeps one of all.
"$objcopy" --redefine-sym "tn_plugin_v1=$symbol" --keep-global-symbol "$symbol" --keep-global-symbol _.stapsdt.base \
  "$output.all" "$output"
rm "$output.all"
