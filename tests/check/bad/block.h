/* SPDX-License-Identifier: BSD-2-Clause */
/* A small conforming disk in memory, for front ends; broken by macros. */
#ifndef AT /* where a request is done */
#define AT(r) (r)->off
#endif
#ifndef DISCARD
#define DISCARD(r) 0
#endif
#ifndef SUBMIT
#define SUBMIT(q, r) later(q, r)
#endif
#ifndef CANCEL
#define CANCEL(q, r)
#endif
#include <tenon/block.h>

enum { SIZE = 65536 };
static const struct tn_blk_backend backend;

#define NEEDS TN_LOOP_1, TN_BLOCK_FEED_1
#define CLASS .kind = TN_K_BLOCK, .flags = TN_C_THREADSAFE, .bus_ops = &backend
#define IN_REALIZE(s, e)                                             \
    do {                                                             \
        s->data = s->data ? s->data : calloc(1, SIZE);               \
        if (!s->data)                                                \
            return tn_fail(s->d, e, ENOMEM, "no memory for a disk"); \
    } while (0)
#include "backend.h"

struct queue {
    struct gadget *s;
    struct tn_bh *bh;
    struct tn_blk_req *todo; /* own[0]: the next */
};

static int info(void *s, struct tn_blk_info *out)
{
    const struct tn_blk_info i = {.struct_size = out->struct_size,
                                  .flags = TN_BLKF_DISCARD | TN_BLKF_WRITE_CACHE | TN_BLKF_INSERTED,
                                  .size = SIZE,
                                  .logical = 512,
                                  .physical = 512};
    (void)s;
    memcpy(out, &i, out->struct_size < sizeof i ? out->struct_size : sizeof i);
    return 0;
}

static int perform(struct gadget *s, const struct tn_blk_req *r)
{
    uint8_t *at = s->data + AT(r);
    for (uint32_t i = 0; i < r->niov; at += r->iov[i++].len)
        if (r->op == TN_BLK_READ)
            memcpy(r->iov[i].base, at, r->iov[i].len);
        else
            memcpy(at, r->iov[i].base, r->iov[i].len);
    return r->op == TN_BLK_DISCARD ? DISCARD(r) : 0;
}

static void done(struct queue *q, struct tn_blk_req *r)
{
    const struct tn_blk_feed *f = TN_GET(q->s->d, struct tn_blk_feed, TN_BLOCK_FEED_1);
    f->done(q->s->d, r, perform(q->s, r));
}

static void work(void *p)
{
    struct queue *q = p;
    for (struct tn_blk_req *r = q->todo, *next; r; r = next) {
        next = (struct tn_blk_req *)(uintptr_t)r->own[0];
        q->todo = next;
        done(q, r);
    }
}

static void *queue(void *self, struct tn_ctx *c, struct tn_err *e)
{
    struct gadget *s = self;
    struct queue *q = calloc(1, sizeof *q);
    if (q) {
        q->s = s;
        q->bh = s->loop->bh(s->d, c, TN_LF_NOLOCK, work, q);
    }
    if (!q || !q->bh) {
        free(q);
        (void)tn_fail(s->d, e, ENOMEM, "no memory for a queue");
        return NULL;
    }
    return q;
}

static void queue_del(void *p)
{
    struct queue *q = p;
    q->s->loop->bh_del(q->bh);
    free(q);
}

static inline void later(struct queue *q, struct tn_blk_req *r)
{
    r->own[0] = (uint64_t)(uintptr_t)q->todo;
    q->todo = r;
    q->s->loop->kick(q->bh);
}

static int submit(void *p, struct tn_blk_req *r)
{
    struct queue *q = p;
    SUBMIT(q, r);
    return 0;
}

static void cancel(void *p, struct tn_blk_req *r)
{
    struct queue *q = p;
    (void)q, (void)r;
    CANCEL(q, r);
}

static const struct tn_blk_backend backend = {.struct_size = sizeof backend,
                                              .info = info,
                                              .queue = queue,
                                              .queue_del = queue_del,
                                              .submit = submit,
                                              .cancel = cancel};
