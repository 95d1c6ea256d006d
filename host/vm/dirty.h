/* SPDX-License-Identifier: BSD-2-Clause */
/* Which pages of guest RAM have been written: by vCPUs (KVM's log), and by the host and its devices
 * (DMA). A bit is a page of DIRTY_PAGE bytes of a block. */
#ifndef TN_HOST_DIRTY_H
#define TN_HOST_DIRTY_H
#include "memory.h"

enum { DIRTY_SHIFT = 12, DIRTY_PAGE = 1 << DIRTY_SHIFT };

/* Every write from the return on is noted; what was written before is not. 0 or -errno with e. It
 * waits for callbacks that are under way. Main thread, no lock. */
int dirty_start(struct vm *vm, struct tn_err *e);
/* No more; what was noted is forgotten. Main thread. */
void dirty_stop(struct vm *vm);
/* Has somebody begun to write past the log since dirty_start()? Its name, or NULL. Any thread. */
const char *dirty_blind(struct vm *vm);
/* Who would not say what it writes: the name of a device, or NULL. Main thread. */
const char *dirty_blocker(const struct vm *vm);

/* Brings what KVM has noted into the blocks. Any thread, one at a time. */
void dirty_collect(struct vm *vm);
/* Moves the bits of m to todo (ORed), a bit for each page; how many were new in todo. Any thread.
 */
uint64_t dirty_take(struct tn_mem *m, uint64_t *todo);
/* Everything is taken for written: after the host loaded a guest. Any thread. */
void dirty_all(struct vm *vm);

/* Notes a write of len bytes at gpa. Any thread. */
void dirty_mark(struct vm *vm, uint64_t gpa, uint64_t len);
/* The same by block. */
void dirty_mark_block(struct tn_mem *m, uint64_t off, uint64_t len);

#endif
