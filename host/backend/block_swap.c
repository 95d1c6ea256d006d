/* SPDX-License-Identifier: BSD-2-Clause */
/* What a handle stands for changes while its front end, its drive and its users stay: the nodes of
 * two handles trade places. Main thread. */
#include "block_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

/* ---- lanes: the way of each queue of a's front end to what n stands for ---- */

static uint32_t count_queues(const struct tn_blk *a)
{
    const struct tn_blkq *q;
    uint32_t n = 0;
    if (a->front)
        LIST_FOREACH(q, &a->front->queues, link)
    n++;
    return n;
}

static int get_lanes(struct tn_blk *a, struct tn_blk *n, struct blk_lane **lane, struct tn_err *e)
{
    const struct tn_blkq *q;
    uint32_t i = 0;
    if (a->front)
        LIST_FOREACH(q, &a->front->queues, link)
        {
            lane[i] = lane_get(n, q->ctx, e);
            if (!lane[i++]) {
                while (i--)
                    lane_put(lane[i]);
                return -ENOMEM;
            }
        }
    return 0;
}

static void use_lanes(struct tn_blk *a, struct blk_lane **lane)
{
    struct tn_blkq *q;
    uint32_t i = 0;
    if (a->front)
        LIST_FOREACH(q, &a->front->queues, link)
        {
            lane_put(q->lane);
            q->lane = lane[i++];
        }
}

/* ---- the rest ---- */

#define TRADE(m)                      \
    do {                              \
        __typeof__(a->m) was_ = a->m; \
        a->m = b->m;                  \
        b->m = was_;                  \
    } while (0)

static void trade_lanes(struct tn_blk *a, struct tn_blk *b)
{
    struct blk_lane *l, *first_a = LIST_FIRST(&a->lanes), *first_b = LIST_FIRST(&b->lanes);
    LIST_INIT(&a->lanes);
    LIST_INIT(&b->lanes);
    if (first_b) {
        a->lanes.lh_first = first_b;
        first_b->link.le_prev = &a->lanes.lh_first;
    }
    if (first_a) {
        b->lanes.lh_first = first_a;
        first_a->link.le_prev = &b->lanes.lh_first;
    }
    LIST_FOREACH(l, &a->lanes, link)
    l->b = a;
    LIST_FOREACH(l, &b->lanes, link)
    l->b = b;
}

/* Children know the handle that stands on them. */
static void trade_children(struct tn_blk *a, struct tn_blk *b)
{
    struct device *d;
    TAILQ_FOREACH(d, &a->dev->vm->devices, all)
    {
        struct tn_blk *c = d->entry->kind == TN_K_BLOCK ? blk_of(d) : NULL;
        if (c && (c->parent == a || c->parent == b))
            c->parent = c->parent == a ? b : a;
    }
}

/* Each is the last that its device releases; it is the other's now. */
static void trade_places(struct managed *a, struct managed *b)
{
    struct device *da = a->dev, *db = b->dev;
    pthread_mutex_lock(&da->managed_lock);
    struct managed *an = a->next, *ap = a->prev;
    pthread_mutex_unlock(&da->managed_lock);
    pthread_mutex_lock(&db->managed_lock);
    struct managed *bn = b->next, *bp = b->prev;
    *a = (struct managed){bn, bp, db, a->stop, a->release};
    bn->prev = bp->next = a;
    pthread_mutex_unlock(&db->managed_lock);
    pthread_mutex_lock(&da->managed_lock);
    *b = (struct managed){an, ap, da, b->stop, b->release};
    an->prev = ap->next = b;
    pthread_mutex_unlock(&da->managed_lock);
}

static void trade(struct tn_blk *a, struct tn_blk *b)
{
    trade_children(a, b);
    trade_places(&a->m, &b->m);
    trade_lanes(a, b);
    TRADE(dev);
    TRADE(be);
    TRADE(elided);
    TRADE(below);
    TRADE(hurry);
    TRADE(info);
    TRADE(opened);
    TRADE(owned);
    a->dev->handle = a;
    b->dev->handle = b;
    TRADE(dev->holds); /* they rely on the handle, and so on whatever it stands for */
    a->cannot = b->cannot = 0;
}

/* ---- one instance in the place of another ---- */

int blk_trade_prepare(struct tn_blk *b, struct tn_blk *fresh, struct tn_err *e)
{
    const struct blk_lane *l;
    LIST_FOREACH(l, &b->lanes, link)
    if (!lane_get(fresh, l->ctx, e))
        return -ENOMEM;
    return 0;
}

void blk_trade_cancel(struct tn_blk *fresh)
{
    while (!LIST_EMPTY(&fresh->lanes))
        lane_put(LIST_FIRST(&fresh->lanes));
}

/* Lanes stay, as what stands on b has them; their back ends' queues change. */
static void trade_queues(struct tn_blk *b, struct tn_blk *fresh)
{
    struct blk_lane *l, *m;
    LIST_FOREACH(l, &b->lanes, link)
    LIST_FOREACH(m, &fresh->lanes, link)
    if (m->ctx == l->ctx) {
        void *was = l->q;
        l->q = m->q;
        m->q = was;
    }
}

struct device *blk_trade(struct tn_blk *a, struct tn_blk *b)
{
    trade_places(&a->m, &b->m);
    trade_queues(a, b);
    TRADE(dev);
    TRADE(info);
    TRADE(opened);
    a->dev->handle = a;
    b->dev->handle = b;
    TRADE(dev->holds);
    TRADE(dev->id);
    TRADE(dev->path);
    a->cannot = 0;
    blk_trade_cancel(b);
    return b->dev;
}

int blk_swap(struct tn_blk *a, struct tn_blk *b, struct tn_err *e)
{
    struct tn_blkq *q;
    AUTO_FREE struct blk_lane **lane = xcalloc(count_queues(a) + 1, sizeof(struct blk_lane *));
    if (a->parent || b->parent || b->front)
        return err_set(e, EBUSY, "Node '%s' is busy", device_id(b->dev));
    if (get_lanes(a, b, lane, e) < 0)
        return -ENOMEM;
    use_lanes(a, lane);
    trade(a, b);
    if (a->front)
        LIST_FOREACH(q, &a->front->queues, link)
    blkq_limits(q);
    return 0;
}
