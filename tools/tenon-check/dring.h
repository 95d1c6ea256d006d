/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver's side of one virtqueue, split or packed (Virtual I/O Device 1.3, 2.7, 2.8), in guest
 * RAM behind whatever DMA mode the host is in. It checks what a device gives back: buffers that it
 * was given, once, with a length that fits, in order if that was agreed. */
#ifndef TENON_CHECK_DRING_H
#define TENON_CHECK_DRING_H
#include "stand_virtio.h"

enum { DRING_MAX = 32, DRING_BUFS = 8, DRING_BUF_MAX = 2048 };

struct vbuf {
    uint32_t len, write; /* bytes; 1: the device writes it */
};
/* One buffer (a chain of descriptors) that the device has, or had. */
struct vchain {
    uint64_t at[DRING_BUFS]; /* iova of each piece */
    struct vbuf b[DRING_BUFS];
    uint32_t n, live, descs;    /* descs: taken of the ring */
    uint32_t ours;              /* it has come back: nobody else writes to it any more */
    uint16_t entry[DRING_BUFS]; /* split: which */
    uint64_t stamp;             /* order of making available */
};
struct dring {
    struct vport *v;
    uint32_t q, size, packed;
    uint64_t desc, driver, device, memory; /* iova; memory: where buffers lie */
    uint16_t avail, used;                  /* indices; packed: ring positions */
    uint32_t avail_wrap, used_wrap, free,
        next; /* next: split, entry to try first, so that they go round */
    uint8_t taken[DRING_MAX];
    uint64_t made, stamps_used; /* chains made available; those that came back */
    uint32_t scribbled;         /* descriptors were broken: who knows what they named */
    struct vchain chain[DRING_MAX];
};

/* Bytes of guest-physical memory that a ring needs from a page boundary on. */
enum { DRING_BYTES = 0x13000 };
/* Lays it out at gpa, and starts the queue. 0, or what queue_start() answered. */
int dring_open(struct dring *r, struct vport *v, uint32_t q, uint32_t size, uint64_t gpa);
/* Where iova is in this process; len bytes within a page. */
uint8_t *dring_at(const struct dring *r, uint64_t iova, uint32_t len);
/* Makes n pieces available, their contents from fill (of what the device reads; may be NULL);
 * indirect: one descriptor of the ring. 1, or 0: no room. */
int dring_add(struct dring *r, const struct vbuf *b, uint32_t n, const uint8_t *fill,
              uint32_t indirect);
/* Takes what came back, checking it: how many. */
uint32_t dring_take(struct dring *r);
uint32_t dring_live(const struct dring *r); /* chains that the device has */
/* Fails the test if the device wrote to a buffer that it had given back. */
void dring_check_ours(const struct dring *r);

#endif
