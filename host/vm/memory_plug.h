/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory that comes to and goes from a machine that runs. Main thread. */
#ifndef TN_HOST_MEMORY_PLUG_H
#define TN_HOST_MEMORY_PLUG_H
#include "memory.h"

/* Can another piece be mapped: KVM's memslots are counted. */
int memory_has_slot(struct vm *vm);
/* memory_unmap() of what devices may have mappings cached of: those fall back to read and write.
 * Every device is quiesced. */
void memory_take_away(struct vm *vm, struct tn_mem *mem);

#endif
