/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by space.c (views and dispatch), region.c (registration) and stall.c; nobody else's. */
#ifndef TN_HOST_SPACE_IMPL_H
#define TN_HOST_SPACE_IMPL_H
#include "space.h"
#include <pthread.h>

struct range {
    uint64_t last, base; /* base: of the region, for offsets */
    struct tn_region *region;
};
struct view {
    uint32_t n;
    uint64_t
        *first; /* sorted; apart from the ranges, so that the search stays in few cache lines */
    struct range *range;
    struct view *next; /* among the retired */
};
struct space {
    struct vm *vm;
    uint32_t kind;
    uint64_t limit;
    pthread_mutex_t lock; /* leaf: writers */
    struct tn_region *regions;
    uint32_t nregions;
    struct view *view; /* published */
    struct view *retired;
    struct tn_bh *reclaim;
    uint64_t misses;
};
/* Memory from an fd on top of a region; a memslot while the region is mapped. */
struct overlay {
    struct overlay *next;
    uint64_t off, len;
    void *va;
    uint32_t prot;
    int slot; /* -1: not mapped now */
};
struct ioeventfd {
    struct ioeventfd *next;
    uint64_t off, data;
    uint32_t size, match;
    int fd, own_fd; /* own_fd: a duplicate, as a vCPU may still signal it when the device has closed
                       fd */
    uint32_t in_kernel; /* the kernel has it, at the region's present place */
};

void space_publish(struct space *s); /* lock held */
int ioeventfd_hit(const struct tn_region *r, uint64_t off, uint64_t v,
                  uint32_t size); /* 1: signalled, nothing is left to do */
/* The access lies in an overlay that lets it: done, 1. For what KVM does not do by itself. */
int overlay_access(struct tn_region *r, uint64_t off, void *buf, uint32_t size, uint32_t prot);
int cmp_u64(const void *a, const void *b);
void region_unref(struct tn_region *r); /* frees with the last one */
uint32_t direct_sizes(const struct tn_region_ops *o);
void region_unwire(
    struct tn_region *r); /* memslots and kernel ioeventfds of where it was; lock held */
void region_wire(struct tn_region *r);
void region_free_wires(struct tn_region *r); /* nobody looks at them any more */

/* stall.c: the callback that has just returned on this thread stalled its access */
struct stall;
extern __thread struct stall *stall_tls;
void stall_sleep(struct vm *vm); /* it did: returns when it may go on. In no reader section */

#endif
