/* SPDX-License-Identifier: BSD-2-Clause */
/* What memory.c and dma.c share: the pieces of RAM, and the table of them that is published. */
#ifndef TN_HOST_MEMORY_IMPL_H
#define TN_HOST_MEMORY_IMPL_H
#include "core/epoch.h"
#include "memory.h"

/* One piece of a block in guest-physical space. */
struct piece {
    uint64_t gpa, len, off;
    struct tn_mem *mem;
    uint32_t ro;
    int slot;
};
/* What is published: the pieces as DMA sees them, sorted. The view comes first, so that devices can
 * have it as it is. */
struct ram_from {
    struct tn_mem *mem;
    uint64_t off;
};
struct ram_table {
    struct tn_view view;
    struct ram_table *next; /* among the retired */
    struct ram_from *from;  /* of each row of ram; behind them */
    struct tn_ram ram[];
};
struct listener {
    struct managed m;
    struct memory *memory;
    const struct tn_dma_listener *l;
    void *o;
    struct listener *next;
};
struct cache {
    struct tn_cached c; /* first */
    struct managed m;
    LIST_ENTRY(cache) all;
    struct vm *vm;
};
struct device_space {
    struct managed m;
    struct tn_as as;
};
struct memory {
    struct vm *vm;
    struct tn_as system;
    struct piece *piece;
    uint32_t npieces;
    struct ram_table *table; /* published */
    struct ram_table *retired;
    struct tn_bh *reclaim;
    struct listener *listeners;
    LIST_HEAD(, tn_as) spaces;
    LIST_HEAD(, tn_mem) all;
    LIST_HEAD(, cache) caches;
    uint32_t logging;  /* dirty.h; atomic */
    const char *blind; /* dirty_blind(); atomic */
    struct shadow *shadow; /* shadow.h; NULL: nothing was ever hidden */
    uint64_t blocks;   /* numbers given out */
    uint8_t *slot_used;
    uint32_t nslots;
    pthread_mutex_t lock; /* leaf: slots, pieces and lists as writers, and what the spaces show */
};

static inline const struct tn_view *memory_view(const struct vm *vm)
{
    return &__atomic_load_n(&vm->memory->table, __ATOMIC_ACQUIRE)->view;
}
/* RAM from gpa on, at most len bytes in one piece: how many, and where. Inside a reader's section.
 */
uint64_t memory_piece_at(const struct tn_view *v, uint64_t gpa, uint64_t len, uint32_t dir,
                         uint8_t **va);
/* Takes what is at gpa out of the guest's memory, whosever it is; pieces that reach beyond are cut.
 * vCPUs stand still; the blocks stay. Main thread. */
void memory_cut(struct vm *vm, uint64_t gpa, uint64_t len);
/* The table as pieces and log are now. Main thread. */
void memory_publish(struct memory *m);
/* Does it say, or need not say, what it writes? */
int dirty_can_follow(const struct listener *l);
int memory_tell_map(struct listener *l, const struct piece *p, struct tn_err *e);
void memory_tell_unmap(struct listener *l, const struct piece *p);
void memory_listener_free(struct listener *l);

#endif
