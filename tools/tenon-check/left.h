/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process holds: to find what instances leave behind. */
#ifndef TENON_CHECK_LEFT_H
#define TENON_CHECK_LEFT_H
#include "check.h"

struct left {
    uint64_t bytes; /* allocated and not freed */
    uint32_t fds, threads, maps;
};

int left_sanitized(
    void); /* 1: a sanitizer keeps what is freed; only descriptors and threads are counted */
struct left left_now(void);
/* Fails the test if n more lives have left something: descriptors, threads or mappings at all, or
 * memory for each life. */
void left_check(struct check *c, const struct left *before, const struct left *after, uint32_t n);

/* Runs n lives, and again if something is left: the allocator's own may grow once, a leak grows
 * each time. */
void left_lives(struct check *c, void (*lives)(void *o, uint32_t n), void *o, uint32_t n);

#endif
