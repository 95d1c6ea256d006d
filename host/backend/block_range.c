/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_range.h"

void ranges_init(struct blk_ranges *s)
{
    pthread_mutex_init(&s->lock, NULL);
    TAILQ_INIT(&s->all);
}

void ranges_free(struct blk_ranges *s)
{
    pthread_mutex_destroy(&s->lock);
}

/* An older one that overlaps, held or waiting, is in the way: so nobody starves. */
static int is_free(const struct blk_ranges *s, const struct blk_range *r)
{
    const struct blk_range *o;
    TAILQ_FOREACH(o, &s->all, link)
    {
        if (o == r)
            return 1;
        if (o->first < r->end && r->first < o->end)
            return 0;
    }
    return 1;
}

int range_take(struct blk_ranges *s, struct blk_range *r)
{
    pthread_mutex_lock(&s->lock);
    TAILQ_INSERT_TAIL(&s->all, r, link);
    r->held = (uint32_t)is_free(s, r);
    int held = r->held != 0;
    pthread_mutex_unlock(&s->lock);
    return held;
}

void range_drop(struct blk_ranges *s, struct blk_range *r)
{
    struct blk_range *o;
    pthread_mutex_lock(&s->lock);
    TAILQ_REMOVE(&s->all, r, link);
    TAILQ_FOREACH(o, &s->all, link)
    if (!o->held && is_free(s, o)) {
        o->held = 1;
        o->granted(o);
    }
    pthread_mutex_unlock(&s->lock);
}
