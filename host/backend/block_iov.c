/* SPDX-License-Identifier: BSD-2-Clause */
/* Scattered buffers: pieces of them, and copies. */
#include "block_impl.h"

#include <string.h>

uint32_t iov_slice(struct tn_iov *out, uint32_t most, const struct tn_iov *v, uint32_t n,
                   uint64_t skip, uint64_t *len)
{
    uint32_t pieces = 0;
    uint64_t have = 0;
    for (uint32_t i = 0; i < n && pieces < most && have < *len; i++) {
        if (skip >= v[i].len) {
            skip -= v[i].len;
            continue;
        }
        uint64_t part = v[i].len - skip;
        if (part > *len - have)
            part = *len - have;
        out[pieces++] = (struct tn_iov){(char *)v[i].base + skip, part};
        have += part;
        skip = 0;
    }
    *len = have;
    return pieces;
}

/* Calls copy for each part of v that holds bytes skip .. skip + len. */
static void walk(const struct tn_iov *v, uint32_t n, uint64_t skip, uint64_t len, char *flat,
                 int to_flat)
{
    for (uint32_t i = 0; i < n && len; i++) {
        if (skip >= v[i].len) {
            skip -= v[i].len;
            continue;
        }
        uint64_t part = v[i].len - skip < len ? v[i].len - skip : len;
        char *at = (char *)v[i].base + skip;
        memcpy(to_flat ? flat : at, to_flat ? at : flat, part);
        flat += part;
        len -= part;
        skip = 0;
    }
}

void iov_gather(void *to, const struct tn_iov *v, uint32_t n, uint64_t skip, uint64_t len)
{
    walk(v, n, skip, len, to, 1);
}

void iov_scatter(const struct tn_iov *v, uint32_t n, uint64_t skip, const void *from, uint64_t len)
{
    walk(v, n, skip, len, (char *)(uintptr_t)from, 0);
}
