/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that nobody has written to since their block was made, so that they are zero without a look
 * at them: looking would make the kernel map each one. */
#ifndef TN_HOST_MIG_BLANK_H
#define TN_HOST_MIG_BLANK_H
#include "vm/dirty.h"

enum { BLANK_WINDOW = 8192 }; /* pages that are asked for at a time */

struct blank {
    int pagemap; /* /proc/self/pagemap; -1: it cannot be had, and nothing private is blank */
    const struct tn_mem *of; /* whose window it is; NULL: nobody's */
    uint64_t first;          /* page of the window */
    uint64_t data[2];        /* begin and end of what is known to be data in its file; bytes */
    uint64_t bits[BLANK_WINDOW / 64];
    uint64_t *entry; /* of pagemap, a window of them */
};
/* Main thread. */
void blank_init(struct blank *b);
void blank_fini(struct blank *b);
/* What was found is forgotten: a page can be written at any time. Before each pass over m, and
 * after the dirty bits were taken that the pass is about; who writes later sets them again. */
void blank_begin(struct blank *b, const struct tn_mem *m);
/* A bit for each of the 64 pages from page 64 * word on that is blank. Words ascend. Any thread,
 * one at a time. */
uint64_t blank_word(struct blank *b, uint64_t word);

#endif
