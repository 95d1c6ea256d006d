/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of an instance as a tree of named items, which tests can take apart and change. */
#ifndef TENON_CHECK_STATE_TREE_H
#define TENON_CHECK_STATE_TREE_H
#include "util/buf.h"
#include <tenon/state.h>

enum { ST_SUBSECTION = 64, ST_DEV = 65 }; /* kinds beside TN_S_* */

struct st_item {
    char *name;
    uint32_t kind, count;
    struct buf
        data; /* count elements of st_size(kind), little-endian; a timer is armed:u8 ns:u64 */
    struct st_part *parts; /* of TN_S_SUB and ST_SUBSECTION: count of them */
    int used;              /* a load has asked for it */
};
struct st_part {
    char *name;
    uint32_t version, n;
    struct st_item *items;
};

uint32_t st_size(uint32_t kind); /* bytes of an element; 0: not a kind with elements */
struct st_item *st_add(struct st_part *p, const char *name, uint32_t kind);
struct st_item *st_find(const struct st_part *p, const char *name, int subsection);
void st_remove(struct st_part *p, uint32_t i);
void st_copy(struct st_part *to, const struct st_part *from);
void st_free(struct st_part *p);
/* 0: equal. Else 1, and where says in what: "uart.lcr[0]: 3 and 0". skip: names of items that may
 * differ ("lcr", or with the name of the state in front: "uart/lcr"), NULL-terminated. */
int st_differs(const struct st_part *a, const struct st_part *b, const char *const *skip,
               struct buf *where);

/* Timers that are armed, in p and below, ns earlier: states of other times become comparable. */
void st_earlier(struct st_part *p, uint64_t ns);
/* Every item of p and below, until fn is not 0; that value. */
int st_each(struct st_part *p, int (*fn)(void *o, struct st_part *p, uint32_t i), void *o);

#endif
