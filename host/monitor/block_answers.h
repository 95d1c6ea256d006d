/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks and nodes as monitors show them. Main thread. */
#ifndef TN_HOST_BLOCK_ANSWERS_H
#define TN_HOST_BLOCK_ANSWERS_H
#include "monitor.h"

/* query-block, query-named-block-nodes, query-blockstats: the list is the caller's. */
struct kv_node *block_disks(struct vm *vm);
struct kv_node *block_nodes(struct vm *vm);
struct kv_node *block_statistics(struct vm *vm, int nodes);

#endif
