/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines that were typed. A line that comes again moves to the end. */
#ifndef TN_HOST_HMP_HISTORY_H
#define TN_HOST_HMP_HISTORY_H
#include <stdint.h>

enum { HMP_HISTORY = 128 };

struct hmp_history {
    char *line[HMP_HISTORY]; /* the oldest first; owned */
    uint32_t n;
};

void hmp_history_add(struct hmp_history *h,
                     const char *line); /* copied; an empty one is not kept */
/* The newest line before `before` that holds part; -1: there is none. */
int hmp_history_find(const struct hmp_history *h, uint32_t before, const char *part);
void hmp_history_clear(struct hmp_history *h);

#endif
