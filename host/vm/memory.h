/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest RAM: blocks of host memory, where they are in guest-physical space, and DMA to them. */
#ifndef TN_HOST_MEMORY_H
#define TN_HOST_MEMORY_H
#include "core/device.h"
#include <tenon/dma.h>
#include <tenon/memory.h>

struct tn_mem {
    struct managed m; /* tn_memory.alloc: of its device */
    struct vm *vm;
    char *name;
    uint8_t *va;
    uint64_t len, fd_off, block; /* block: a number of its own in this VM */
    int fd;                      /* -1: anonymous */
    uint32_t flags;              /* TN_MEMF_* */
    uint32_t page_shift;
    struct device *user; /* who claimed it */
    uint32_t mapped;     /* times it is in the guest's address space */
    uint64_t *dirty;     /* dirty.h: a bit for each page; NULL: nobody asks. Atomic */
    LIST_ENTRY(tn_mem) in_vm;
};

struct memory *memory_new(struct vm *vm);
void memory_free(struct memory *m);

/* fd -1: anonymous. The block owns fd from here on, and unmaps va. */
struct tn_mem *mem_new(struct vm *vm, const char *name, void *va, uint64_t len, int fd,
                       uint64_t fd_off, uint32_t flags, uint32_t page_shift);
void mem_free(struct tn_mem *m);

/* Puts len bytes of mem, from off on, at gpa. 0, or -errno with e (overlap, no memslot). Main
 * thread. */
int memory_map(struct vm *vm, struct tn_mem *mem, uint64_t off, uint64_t gpa, uint64_t len,
               uint32_t ro, struct tn_err *e);
void memory_unmap(struct vm *vm, struct tn_mem *mem); /* all of its pieces */
/* A memslot that is no RAM for DMA: an overlay of a region. Slot number or -errno. Under a region's
 * lock. */
int memory_overlay_map(struct vm *vm, uint64_t gpa, void *va, uint64_t len, uint32_t ro);
void memory_overlay_unmap(struct vm *vm, int slot);

/* A piece of RAM where the guest sees it: len bytes of mem, from off on, at gpa. */
struct memory_piece {
    uint64_t gpa, len, off;
    const struct tn_mem *mem;
    uint32_t ro;
};
/* Each in order of address, until fn is not 0. Main thread. */
int memory_each_piece(struct vm *vm, int (*fn)(void *o, const struct memory_piece *p), void *o);

/* Host address of len bytes of RAM at gpa, or NULL if they are not wholly in one piece. Main
 * thread, or before vCPUs run. */
void *memory_ptr(struct vm *vm, uint64_t gpa, uint64_t len);
/* Every block, oldest last, until fn is not 0. Main thread. */
int memory_each(struct vm *vm, int (*fn)(void *o, struct tn_mem *m), void *o);
/* Any thread. 0 or -EFAULT; then part of it may be done. */
int memory_read(struct vm *vm, uint64_t gpa, void *buf, uint64_t len);
int memory_write(struct vm *vm, uint64_t gpa, const void *buf, uint64_t len);

/* A space through which a device sees memory: system memory, gated for PCI by bus mastering. */
struct tn_as {
    struct vm *vm;
    const struct tn_view
        *view;     /* what tn_dma.view shows: the table of the moment, NULL while closed */
    uint32_t open; /* atomic */
    struct device
        *dev; /* whose view it is, and with whom goes what it gives out; NULL: the machine's */
    LIST_ENTRY(tn_as) all;
};
/* Main thread. vm and dev are set; open says how it begins. */
void memory_as_init(struct tn_as *a, uint32_t open);
void memory_as_fini(struct tn_as *a);
/* Opens or closes it. Any thread; what is under way in a callback may still see it open. */
void memory_as_gate(struct tn_as *a, uint32_t open);
struct tn_as *memory_system(struct vm *vm);

extern const struct tn_dma dma_table;       /* TN_DMA_1 */
extern const struct tn_memory memory_table; /* TN_MEMORY_1 */

/* memory-backend-ram, -memfd, -file: classes of the host (vm/memdev.c) */
extern const struct tn_plugin memdev_plugin;
/* RAM of size bytes without a memory-backend: anonymous, or from -mem-path. NULL with e. */
struct tn_mem *memory_default_ram(struct vm *vm, uint64_t size, struct tn_err *e);

#endif
