/* SPDX-License-Identifier: BSD-2-Clause */
/* The short form of a character device: `-serial unix:/s,server=on`, `-monitor stdio`, `-debugcon
 * file:log`. */
#ifndef TN_CLI_CHARDEV_SHORT_H
#define TN_CLI_CHARDEV_SHORT_H
#include "kvtree.h"

/* Writes text as the long form that -chardev takes: a dict {backend, id, ...} that the caller owns.
 * "mon:" in front adds mux=on. For `chardev:ID`, which makes nothing new, the dict is just {id: ID}
 * without backend. NULL with *err set if text names no backend. [any] */
struct kv_node *chardev_short_parse(const char *text, const char *id, char **err);

#endif
