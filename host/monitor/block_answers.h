/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks and nodes as monitors show them. Main thread. */
#ifndef TN_HOST_BLOCK_ANSWERS_H
#define TN_HOST_BLOCK_ANSWERS_H
#include "monitor.h"

/* query-block, query-named-block-nodes: the list is the caller's. */
struct kv_node *block_disks(struct vm *vm);
struct kv_node *block_nodes(struct vm *vm);
/* What d is among block nodes; NULL: none that is open. */
const struct tn_blk *block_node(const struct device *d);
/* The disk of a device, by the device's id or path: NULL with e. */
struct tn_blk *block_by_device(struct qmp_call *c, const char *id, struct tn_err *e);

#endif
