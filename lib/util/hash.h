/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TN_UTIL_HASH_H
#define TN_UTIL_HASH_H
#include <stdint.h>

/* FNV-1a of a text: for tables of names that no enemy chooses. Any thread. */
static inline uint32_t hash_text(const char *s)
{
    uint32_t h = 2166136261u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

#endif
