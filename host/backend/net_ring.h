/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole packets in a block of memory, first in, first out; each lies in one piece, behind its
 * record. Not locked: both ends are under the lock of the handle, but a packet that was looked at
 * stays where it is until it is dropped. */
#ifndef TN_HOST_NET_RING_H
#define TN_HOST_NET_RING_H
#include "util/alloc.h"
#include <stdint.h>
#include <string.h>
#include <tenon/base.h>

enum {
    NET_PACKET_MAX = 65536 + 4096, /* a frame of segmentation offload, its headers, to spare */
    NET_RING = 1 << 19             /* bytes; a power of two */
};
#define NET_REST (~(uint32_t)0) /* net_rec.len: what is left of the block is not used */

struct net_rec {
    uint32_t len;   /* bytes that follow */
    uint32_t after; /* the filter behind which the packet goes on; 0 = before the first */
};
struct net_ring {
    uint8_t *data; /* NULL until it is needed */
    uint32_t head, tail;
};

/* Bytes of v; more than NET_PACKET_MAX if there are too many. */
static inline uint64_t net_iov_len(const struct tn_iov *v, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n && sum <= NET_PACKET_MAX; i++)
        sum += v[i].len <= NET_PACKET_MAX ? v[i].len : NET_PACKET_MAX + 1u;
    return sum;
}

static inline int net_ring_empty(const struct net_ring *r)
{
    return r->head == r->tail;
}

/* What a packet of len bytes takes: its record, itself, up to the next record's place. */
static inline uint32_t net_ring_need(uint32_t len)
{
    return (uint32_t)sizeof(struct net_rec) + ((len + 7) & ~7u);
}

static inline uint8_t *net_ring_at(const struct net_ring *r, uint32_t pos)
{
    return r->data + pos % NET_RING;
}

/* 1, or 0: no room. len is the sum of v, at most NET_PACKET_MAX. */
static inline int net_ring_put(struct net_ring *r, const struct tn_iov *v, uint32_t n, uint32_t len,
                               uint32_t after)
{
    uint32_t need = net_ring_need(len), rest = NET_RING - r->head % NET_RING;
    uint32_t skip = need > rest ? rest : 0;
    if (NET_RING - (r->head - r->tail) < need + skip)
        return 0;
    if (!r->data)
        r->data = xcalloc(1, NET_RING);
    if (skip)
        ((struct net_rec *)(void *)net_ring_at(r, r->head))->len = NET_REST;
    r->head += skip;
    struct net_rec *rec = (void *)net_ring_at(r, r->head);
    *rec = (struct net_rec){len, after};
    uint8_t *to = (uint8_t *)(rec + 1);
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].len)
            memcpy(to, v[i].base, v[i].len);
        to += v[i].len;
    }
    r->head += need;
    return 1;
}

/* The oldest packet, NULL if there is none. */
static inline struct net_rec *net_ring_peek(struct net_ring *r)
{
    if (net_ring_empty(r))
        return NULL;
    struct net_rec *rec = (void *)net_ring_at(r, r->tail);
    if (rec->len != NET_REST)
        return rec;
    r->tail += NET_RING - r->tail % NET_RING;
    return net_ring_empty(r) ? NULL : (void *)net_ring_at(r, r->tail);
}

/* The one that was looked at. */
static inline void net_ring_drop(struct net_ring *r)
{
    const struct net_rec *rec = net_ring_peek(r);
    if (rec)
        r->tail += net_ring_need(rec->len);
}

/* Half of it is free, which is room for any packet. */
static inline int net_ring_roomy(const struct net_ring *r)
{
    return r->head - r->tail <= NET_RING / 2;
}

#endif
