/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's own view of memory: its page tables, as its processors use them (SDM volume 3, 4). */
#ifndef TN_HOST_GUEST_MAP_H
#define TN_HOST_GUEST_MAP_H
#include "core/vm.h"
#include <linux/kvm.h>

/* len bytes at virt are at phys. */
struct guest_mapping {
    uint64_t virt, phys, len;
};
struct guest_map {
    struct guest_mapping *at;
    uint32_t n, room;
};
void guest_map_free(struct guest_map *g);

/* Adds all that the page tables of a processor with these registers map, neighbours joined; nothing
 * if it does not page. The vCPUs are paused. 0; -EFBIG with e: tables that loop or scatter memory
 * beyond measure, as none of an operating system's do. */
int guest_map_add(struct guest_map *g, struct vm *vm, const struct kvm_sregs *s, struct tn_err *e);

#endif
