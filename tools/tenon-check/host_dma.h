/* SPDX-License-Identifier: BSD-2-Clause */
/* Address spaces: the system's, and one of each function that does DMA. */
#ifndef TENON_CHECK_HOST_DMA_H
#define TENON_CHECK_HOST_DMA_H
#include "parts.h"

TAILQ_HEAD(segs, seg_mem);
TAILQ_HEAD(caches, cache);
struct tn_as {
    TAILQ_ENTRY(tn_as) link;
    struct host *h;
    struct dev *d; /* NULL: the system's, never translated */
    int (*master)(
        const struct dev *d); /* 0: bus mastering is off, every access fails; NULL: always on */
    pthread_mutex_t lock;
    struct segs segs;
    struct caches caches;
    uint64_t cookies;
    uint32_t retry;
    const struct tn_view *view; /* &table, or NULL */
    struct tn_view table;
    struct tn_ram ram[2];
};

struct dev *as_user(struct tn_as *a); /* whose it is, or who is calling; NULL: the test */
void enter_as(struct tn_as *a, uint32_t roles, const char *what);

/* host_listen.c */
int dma_listen(struct tn_as *a, const struct tn_dma_listener *l, void *o, struct tn_err *e);
void dma_unlisten(struct tn_as *a, void *o);
void dma_committed(struct tn_dev *pub, uint64_t token, int err);

struct tn_as *as_new(struct host *h, struct dev *d, int (*master)(const struct dev *d));
uint32_t as_mapped(const struct tn_as *a);              /* pieces that are not unmapped yet */
void as_left(const struct dev *d);                      /* fails the test if d has left any */
void dma_refresh(struct tn_as *a);                      /* its caches and view: something changed */
uint64_t dma_gpa(const struct tn_as *a, uint64_t iova); /* where an access lands */
void as_free_all(struct host *h);

#endif
