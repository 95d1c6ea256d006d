/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for tests of what virtio-net looks at. */
#ifndef TN_TEST_NET_FRAME_H
#define TN_TEST_NET_FRAME_H
#include "net_hash.h"
#include "util/bytes.h"
#include <string.h>

/* A frame under construction. */
struct frame {
    uint8_t b[NET_HASH_BYTES];
    uint32_t len;
};

static inline void add(struct frame *f, const void *p, uint32_t n)
{
    if (p)
        memcpy(f->b + f->len, p, n);
    f->len += n;
}

static inline void add16(struct frame *f, uint16_t v)
{
    put_be16(f->b + f->len, v);
    f->len += 2;
}

static inline struct frame ethernet(uint16_t type)
{
    struct frame f = {.len = 12};
    add16(&f, type);
    return f;
}

#endif
