/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks: some of the steps of a guest that is random and repeatable. Each step has its own source
 * of randomness, so that the others are the same when some are left out, and what failed can be
 * made small. */
#ifndef TENON_CHECK_WALK_H
#define TENON_CHECK_WALK_H
#include "check.h"
#include "util/buf.h"

struct walk {
    uint64_t seed;
    uint32_t *step; /* numbers, rising */
    uint32_t n;
};

/* How a walk ended: 'P' passed, 'S' skipped, 'F' failed by a rule, 'C' crashed, 'H' hung, 'E' ended
 * the process. */
struct walk_end {
    char kind;
    uint32_t reached; /* steps of the list that were begun */
    struct buf why;   /* one line */
};

void walk_all(struct walk *w, uint64_t seed, uint32_t n); /* steps 0 .. n-1; to be freed */
void walk_free(struct walk *w);
/* Runs it on a new instance in a process of its own, for limit_s seconds at most. */
struct walk_end walk_run(struct check *c, const struct walk *w, uint32_t limit_s);
/* Leaves out what is not needed for it to end in the same way; for about limit_s seconds. */
void walk_minimise(struct check *c, struct walk *w, char kind, uint32_t limit_s);
/* 0 or -errno. */
int walk_save(const struct check *c, const struct walk *w, const char *why, const char *path);
/* 0; -ENOENT: it is of another class; -EINVAL: no such file. */
int walk_load(const struct check *c, struct walk *w, const char *path);

#endif
