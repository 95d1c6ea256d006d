/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk without a medium: every request succeeds, at once or after a fixed time. For measuring
 * what stands in front of it. */
#include "../req_list.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/loop.h>
#include <tenon/plugin.h>

struct null_co {
    struct tn_dev *dev;
    struct tn_blk_open open;
    uint64_t size, latency_ns;
    uint8_t read_zeroes;
    const struct tn_loop *loop;
    const struct tn_blk_feed *feed;
};

struct null_queue {
    struct null_co *disk;
    struct tn_bh *bh;
    struct tn_timer *timer;
    struct req_list waiting; /* for their time, which is in own[DUE]: all wait equally long */
    struct req_list ended;   /* for the bottom half */
};

enum { DUE, RESULT }; /* indices into tn_blk_req.own */

static int info(void *self, struct tn_blk_info *out)
{
    struct null_co *s = self;
    struct tn_blk_info i = {.struct_size = out->struct_size,
                            .flags = TN_BLKF_INSERTED | TN_BLKF_WRITE_CACHE | TN_BLKF_DISCARD |
                                     TN_BLKF_WRITE_ZEROES |
                                     (s->open.read_only ? (uint32_t)TN_BLKF_READONLY : 0u),
                            .size = s->size,
                            .logical = 512,
                            .physical = 512};
    memcpy(out, &i, out->struct_size < sizeof i ? out->struct_size : sizeof i);
    return 0;
}

/* ---- requests ---- */

static void read_zeroes(const struct tn_blk_req *r)
{
    for (uint32_t i = 0; i < r->niov; i++)
        memset(r->iov[i].base, 0, r->iov[i].len);
}

/* The requests that are there now; what their ends bring is for the next round. */
static void complete(void *p)
{
    struct null_queue *q = p;
    struct req_list now = q->ended;
    q->ended.first = NULL;
    for (struct tn_blk_req *r; (r = req_pop(&now));) {
        int err = (int)(int64_t)r->own[RESULT];
        if (r->op == TN_BLK_READ && q->disk->read_zeroes && err == 0)
            read_zeroes(r);
        q->disk->feed->done(q->disk->dev, r, err);
    }
}

static void time_is_up(void *p)
{
    struct null_queue *q = p;
    uint64_t now = q->disk->loop->now(q->disk->dev, TN_CLK_REAL);
    while (q->waiting.first && q->waiting.first->own[DUE] <= now)
        req_push(&q->ended, req_pop(&q->waiting));
    if (q->waiting.first)
        q->disk->loop->arm(q->timer, q->waiting.first->own[DUE]);
    complete(q);
}

static int submit(void *p, struct tn_blk_req *r)
{
    struct null_queue *q = p;
    const struct tn_loop *loop = q->disk->loop;
    r->own[RESULT] = 0;
    if (q->disk->latency_ns == 0) {
        req_push(&q->ended, r);
        loop->kick(q->bh);
        return 0;
    }
    r->own[DUE] = loop->now(q->disk->dev, TN_CLK_REAL) + q->disk->latency_ns;
    req_push(&q->waiting, r);
    if (q->waiting.first == r)
        loop->arm(q->timer, r->own[DUE]);
    return 0;
}

static void cancel(void *p, struct tn_blk_req *r)
{
    struct null_queue *q = p;
    if (!req_remove(&q->waiting, r))
        return;
    r->own[RESULT] = (uint64_t)-ECANCELED;
    req_push(&q->ended, r);
    q->disk->loop->kick(q->bh);
}

static void *queue(void *self, struct tn_ctx *c, struct tn_err *e)
{
    struct null_co *s = self;
    struct null_queue *q = calloc(1, sizeof *q);
    if (q) {
        q->disk = s;
        q->bh = s->loop->bh(s->dev, c, TN_LF_NOLOCK, complete, q);
        q->timer = s->loop->timer(s->dev, c, TN_LF_NOLOCK, TN_CLK_REAL, time_is_up, q);
    }
    if (q && q->bh && q->timer)
        return q;
    free(q);
    (void)tn_fail(s->dev, e, ENOMEM, "no memory for a queue");
    return NULL;
}

static void queue_del(void *p)
{
    struct null_queue *q = p;
    q->disk->loop->timer_del(q->timer);
    q->disk->loop->bh_del(q->bh);
    free(q);
}

static int resize(void *self, uint64_t size, struct tn_err *e)
{
    struct null_co *s = self;
    (void)e;
    s->size = size;
    s->feed->changed(s->dev);
    return 0;
}

/* ---- life ---- */

static int init(void *self, struct tn_dev *d)
{
    struct null_co *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct null_co *s = self;
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->feed = TN_GET(s->dev, struct tn_blk_feed, TN_BLOCK_FEED_1);
    if (s->size > INT64_MAX)
        return tn_fail(s->dev, e, EINVAL, "Image size is too big: %llu bytes",
                       (unsigned long long)s->size);
    if (s->latency_ns > INT64_MAX)
        return tn_fail(s->dev, e, EINVAL, "latency-ns is invalid");
    return 0;
}

static const struct tn_prop props[] = {
    TN_PROP(struct null_co, size, "size", SIZE, (uint64_t)1 << 30, "bytes"),
    TN_PROP(struct null_co, latency_ns, "latency-ns", U64, 0, "what a request takes"),
    TN_PROP(struct null_co, read_zeroes, "read-zeroes", BOOL, 0,
            "reads give zeroes; off: buffers stay as they are"),
    TN_BLK_OPEN_PROPS(struct null_co, open),
};

static const struct tn_blk_backend backend = {
    .struct_size = sizeof backend,
    .info = info,
    .queue = queue,
    .queue_del = queue_del,
    .submit = submit,
    .cancel = cancel,
    .resize = resize,
};

static const char *const aliases[] = {"null-aio", NULL};
static const struct tn_class null_co = {
    .struct_size = sizeof null_co,
    .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,
    .kind = TN_K_BLOCK,
    .category = TN_CAT_STORAGE,
    .name = "null-co",
    .aliases = aliases,
    .desc = "a disk without a medium: requests succeed, nothing is kept",
    .instance_size = sizeof(struct null_co),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .bus_ops = &backend,
    .init = init,
    .realize = realize,
};

static const struct tn_class *const classes[] = {&null_co, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_BLOCK_FEED_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "null-co",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "a disk without a medium",
    .classes = classes,
    .needs = needs,
};
