/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory modules: class pc-dimm, a memory back end in a slot of -m slots=, placed in the region for
 * memory devices above RAM. Main thread. */
#ifndef TN_HOST_DIMM_H
#define TN_HOST_DIMM_H
#include "core/device.h"

struct dimm_info {
    const struct device *dev;
    const struct tn_mem *mem;
    uint64_t addr, size;
    uint32_t slot, node, hotplugged;
};
/* What is in slot i; 0, or -ENOENT: nothing. */
int dimm_at(const struct vm *vm, uint32_t i, struct dimm_info *out);
/* Bytes of all modules. */
uint64_t dimms_size(const struct vm *vm);
/* The guest has let go of slot i: once every device rests its memory goes, and the device with it.
 * No lock held; may run the main loop. */
void dimm_eject(struct vm *vm, uint32_t i);

extern const struct tn_plugin dimm_plugin;

#endif
