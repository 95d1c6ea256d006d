/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges that write down what they have seen. */
#ifndef TN_TEST_SPACE_RIG_H
#define TN_TEST_SPACE_RIG_H
#include "tap.h"
#include "vm_fixture.h"
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PIO = TN_SPACE_PIO, MMIO = TN_SPACE_MMIO };

/* What a range has seen, the example's LogDevice among others. */
struct log {
    uint64_t off, value, answer;
    uint32_t size, reads, writes;
    uint64_t trail[8]; /* off << 8 | size of the first eight calls */
    uint32_t ntrail;
};

static inline void note(struct log *l, uint64_t off, uint32_t size)
{
    l->off = off;
    l->size = size;
    if (l->ntrail < 8)
        l->trail[l->ntrail++] = off << 8 | size;
}

static inline uint64_t log_read(void *s, uint64_t off, uint32_t size)
{
    struct log *l = s;
    note(l, off, size);
    l->reads++;
    return l->answer >> (8 * (off & 7));
}

static inline void log_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct log *l = s;
    note(l, off, size);
    l->writes++;
    l->value = v;
}

static const struct tn_region_ops any = {sizeof any, TN_RO_UNALIGNED, 0,        0, 0,
                                         0,          log_read,        log_write};

static inline struct space *space_of(struct vm *vm, uint32_t kind)
{
    return kind == PIO ? vm->pio : vm->mmio;
}

static inline int try_claim(struct vm *vm, uint32_t kind, uint64_t base, uint64_t size, void *s,
                            struct tn_region **out)
{
    ERR_AUTO e = {0};
    struct tn_region_req q = {
        .struct_size = sizeof q, .space = kind, .base = base, .size = size, .name = "t"};
    int r = region_add(space_of(vm, kind), NULL, &q, &any, s, 0, out, &e);
    snprintf(fixture_error, sizeof fixture_error, "%s", r < 0 ? err_text(&e) : "");
    return r;
}

static inline struct tn_region *with_ops(struct vm *vm, uint32_t kind, uint64_t base, uint64_t size,
                                         const struct tn_region_ops *o, void *s)
{
    struct tn_region *r;
    struct tn_region_req q = {
        .struct_size = sizeof q, .space = kind, .base = base, .size = size, .name = "t"};
    return region_add(space_of(vm, kind), NULL, &q, o, s, 1, &r, NULL) == 0 ? r : NULL;
}

static inline struct tn_region *claim(struct vm *vm, uint32_t kind, uint64_t base, uint64_t size,
                                      void *s)
{
    struct tn_region *r;
    return try_claim(vm, kind, base, size, s, &r) == 0 ? r : NULL;
}

#endif
