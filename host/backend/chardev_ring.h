/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes from one producer to one consumer, without a lock. Positions run freely, so they also name
 * points of the stream. */
#ifndef TN_HOST_CHARDEV_RING_H
#define TN_HOST_CHARDEV_RING_H
#include <stdint.h>
#include <string.h>

struct chr_ring {
    uint8_t *data;
    uint32_t size; /* a power of two */
    uint32_t head; /* written so far; producer's */
    uint32_t tail; /* read so far; consumer's */
};

static inline uint32_t ring_used(const struct chr_ring *r)
{
    return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) -
           __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
}
static inline uint32_t ring_space(const struct chr_ring *r)
{
    return r->size - ring_used(r);
}

/* The part of n bytes from position at on that does not wrap. */
static inline uint32_t ring_run(const struct chr_ring *r, uint32_t at, uint32_t n)
{
    uint32_t to_end = r->size - (at & (r->size - 1));
    return n < to_end ? n : to_end;
}
/* Producer: where the next bytes go; how many fit there in one piece. */
static inline uint32_t ring_free_run(const struct chr_ring *r, uint8_t **p)
{
    *p = r->data + (r->head & (r->size - 1));
    return ring_run(r, r->head, ring_space(r));
}
static inline void ring_commit(struct chr_ring *r, uint32_t n)
{
    __atomic_store_n(&r->head, r->head + n, __ATOMIC_RELEASE);
}
/* Producer: copies what fits of n bytes; returns how many did. */
static inline uint32_t ring_put(struct chr_ring *r, const uint8_t *p, uint64_t n)
{
    uint32_t done = 0, space = ring_space(r);
    for (uint32_t want = n < space ? (uint32_t)n : space; done < want;) {
        uint32_t run = ring_run(r, r->head + done, want - done);
        memcpy(r->data + ((r->head + done) & (r->size - 1)), p + done, run);
        done += run;
    }
    ring_commit(r, done);
    return done;
}
/* Consumer: the oldest bytes in one piece. */
static inline uint32_t ring_peek(const struct chr_ring *r, const uint8_t **p)
{
    *p = r->data + (r->tail & (r->size - 1));
    return ring_run(r, r->tail, ring_used(r));
}
static inline void ring_drop(struct chr_ring *r, uint32_t n)
{
    __atomic_store_n(&r->tail, r->tail + n, __ATOMIC_RELEASE);
}

#endif
