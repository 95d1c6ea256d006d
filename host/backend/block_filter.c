/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_filter.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

int filter_init(void *s, struct tn_dev *d)
{
    ((struct filter *)s)->dev = d;
    return 0;
}

struct tn_blk *filter_blk(const struct filter *f)
{
    return device_of(f->dev)->handle;
}

int filter_realize(struct filter *f, struct tn_err *e)
{
    int r = blk_adopt(filter_blk(f), f->file, e);
    f->adopted = r == 0;
    return r;
}

void filter_unrealize(void *s)
{
    struct filter *f = s;
    if (f->adopted)
        blk_release(f->file);
    f->adopted = 0;
}

int filter_info(void *s, struct tn_blk_info *out)
{
    struct filter *f = s;
    return blk_info_out(&f->file->info, out);
}

void *filter_queue(struct filter *f, uint64_t size, struct tn_ctx *c, struct tn_err *e)
{
    struct blk_lane *below = lane_get(f->file, c, e);
    if (!below)
        return NULL;
    struct filter_queue *q = xcalloc(1, size);
    q->f = f;
    q->ctx = c;
    q->below = below;
    return q;
}

void filter_queue_del(void *p)
{
    struct filter_queue *q = p;
    lane_put(q->below);
    free(q);
}

void filter_flush_batch(void *p)
{
    lane_flush(((struct filter_queue *)p)->below);
}

int filter_access(void *s, uint32_t flags, struct tn_err *e)
{
    return blk_access(((struct filter *)s)->file, flags, e);
}
