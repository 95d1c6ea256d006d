/* SPDX-License-Identifier: BSD-2-Clause */
/* Layout of the rings (Virtual I/O Device 1.3, 2.7 and 2.8), and access to them: the driver writes
 * while we read, so every access is one atomic of the field's width. */
#ifndef TN_VIRTQUEUE_RING_H
#define TN_VIRTQUEUE_RING_H
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rings are little-endian");

/* struct virtq_desc, 2.7.5; struct pvirtq_desc, 2.8.13 */
enum { DESC_SIZE = 16 };
enum { DESC_ADDR = 0, DESC_LEN = 8, DESC_FLAGS = 12, DESC_NEXT = 14 };
enum { PDESC_ADDR = 0, PDESC_LEN = 8, PDESC_ID = 12, PDESC_FLAGS = 14 };
enum {
    DESC_F_NEXT = 1,
    DESC_F_WRITE = 2,
    DESC_F_INDIRECT = 4,
    PDESC_F_AVAIL = 1 << 7,
    PDESC_F_USED = 1 << 15
};

/* struct virtq_avail, 2.7.6, with used_event behind the ring; struct virtq_used, 2.7.8, with
 * avail_event behind it */
enum { AVAIL_FLAGS = 0, AVAIL_IDX = 2, AVAIL_RING = 4, AVAIL_ENTRY = 2 };
enum { USED_FLAGS = 0, USED_IDX = 2, USED_RING = 4, USED_ENTRY = 8 };
enum { AVAIL_F_NO_INTERRUPT = 1, USED_F_NO_NOTIFY = 1 };

/* struct pvirtq_event_suppress, 2.8.14, read and written as one little-endian word: offset and wrap
 * counter below, flags above */
enum { EVENT_SIZE = 4, EVENT_WRAP = 1 << 15, EVENT_FLAGS_SHIFT = 16, EVENT_FLAGS_MASK = 3 };
enum { EVENT_F_ENABLE = 0, EVENT_F_DISABLE = 1, EVENT_F_DESC = 2 };

static inline uint16_t ld16(const uint8_t *p)
{
    return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_RELAXED);
}

static inline uint32_t ld32(const uint8_t *p)
{
    return __atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_RELAXED);
}

static inline uint64_t ld64(const uint8_t *p)
{
    return __atomic_load_n((const uint64_t *)(const void *)p, __ATOMIC_RELAXED);
}

/* What the driver wrote before the field is read after it. */
static inline uint16_t ld16_acquire(const uint8_t *p)
{
    return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE);
}

static inline void st32(uint8_t *p, uint32_t v)
{
    __atomic_store_n((uint32_t *)(void *)p, v, __ATOMIC_RELAXED);
}

static inline void st64(uint8_t *p, uint64_t v)
{
    __atomic_store_n((uint64_t *)(void *)p, v, __ATOMIC_RELAXED);
}

/* A store and a load of these are never exchanged: the full barrier between "I am done" and "does
 * the driver want to know" (2.7.7, 2.7.10, 2.8.10), as one locked instruction. */
static inline void st16_seq(uint8_t *p, uint16_t v)
{
    __atomic_store_n((uint16_t *)(void *)p, v, __ATOMIC_SEQ_CST);
}

static inline void st32_seq(uint8_t *p, uint32_t v)
{
    __atomic_store_n((uint32_t *)(void *)p, v, __ATOMIC_SEQ_CST);
}

static inline uint16_t ld16_seq(const uint8_t *p)
{
    return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_SEQ_CST);
}

static inline uint32_t ld32_seq(const uint8_t *p)
{
    return __atomic_load_n((const uint32_t *)(const void *)p, __ATOMIC_SEQ_CST);
}

/* 2.7.10: does the move of an index from old to now pass event? */
static inline int ring_passed(uint16_t event, uint16_t now, uint16_t old)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

#endif
