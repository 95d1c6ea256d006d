/* SPDX-License-Identifier: BSD-2-Clause */
/* Node throttle: requests wait here until their group lets them go. Those of one context wait in
 * order, reads apart from writes; contexts and drives of a group take turns, one request each. */
#include "block_throttle.h"
#include "block_filter.h"

#include <errno.h>
#include <stdlib.h>

struct throttle_node {
    struct filter f;
    const char *group_name;
    struct throttle_group *g;
    LIST_HEAD(, throttle_queue) queues; /* main thread */
    uint32_t hurry;                     /* drained: nothing waits; atomic */
    uint32_t quiet;                     /* one of hurry is quiesce()'s */
};

struct throttle_queue {
    struct filter_queue q; /* first */
    LIST_ENTRY(throttle_queue) link;
    struct tn_bh *bh;
    struct throttle_dir {
        struct throttle_queue *q;
        TAILQ_ENTRY(throttle_queue) turn;
        struct tn_timer *timer;
        struct blk_list waiting;
    } dir[2]; /* reads, writes */
};

static struct throttle_node *node_of(const struct throttle_queue *q)
{
    return (struct throttle_node *)q->q.f;
}

static int is_write(const struct tn_blk_req *r)
{
    return r->op != TN_BLK_READ;
}

/* ---- turns: the group's lock is held ---- */

static void add_turn(struct throttle_group *g, struct throttle_queue *q, int w)
{
    if (w)
        TAILQ_INSERT_TAIL(&g->turns[1], q, dir[1].turn);
    else
        TAILQ_INSERT_TAIL(&g->turns[0], q, dir[0].turn);
}

static void drop_turn(struct throttle_group *g, struct throttle_queue *q, int w)
{
    if (w)
        TAILQ_REMOVE(&g->turns[1], q, dir[1].turn);
    else
        TAILQ_REMOVE(&g->turns[0], q, dir[0].turn);
}

static uint64_t now_of(const struct throttle_group *g)
{
    return clock_now(g->clock, g->clk);
}

/* The first of q's waiting requests if it may go now, taken out; its turn is over then. */
static struct blk_io *take_due(struct throttle_group *g, struct throttle_queue *q, int w)
{
    struct throttle_dir *d = &q->dir[w];
    if (!d->waiting.first || TAILQ_FIRST(&g->turns[w]) != q)
        return NULL;
    uint64_t now = now_of(g), wait = throttle_wait(&g->t, w, now);
    if (wait) {
        timer_arm(d->timer, now + wait);
        return NULL;
    }
    struct blk_io *io = blk_list_take(&d->waiting);
    throttle_account(&g->t, w, io->r.len);
    drop_turn(g, q, w);
    if (d->waiting.first)
        add_turn(g, q, w);
    struct throttle_queue *next = TAILQ_FIRST(&g->turns[w]);
    if (next && next != q)
        bh_kick(next->bh);
    return io;
}

/* ---- in the queue's context ---- */

static void pass_due(struct throttle_queue *q, int w)
{
    struct throttle_group *g = node_of(q)->g;
    for (;;) {
        pthread_mutex_lock(&g->lock);
        struct blk_io *io = take_due(g, q, w);
        pthread_mutex_unlock(&g->lock);
        if (!io)
            return;
        lane_pass(q->q.below, &io->r);
    }
}

/* Drained: all of them, whatever the group says. */
static void pass_all(struct throttle_queue *q, int w)
{
    struct throttle_group *g = node_of(q)->g;
    struct throttle_queue *next;
    pthread_mutex_lock(&g->lock);
    if (q->dir[w].waiting.first)
        drop_turn(g, q, w);
    struct blk_list all = q->dir[w].waiting;
    q->dir[w].waiting.first = NULL;
    if ((next = TAILQ_FIRST(&g->turns[w])))
        bh_kick(next->bh);
    pthread_mutex_unlock(&g->lock);
    timer_disarm(q->dir[w].timer);
    for (struct blk_io *io; (io = blk_list_take(&all));)
        lane_pass(q->q.below, &io->r);
}

static void pass(struct throttle_queue *q, int w)
{
    if (__atomic_load_n(&node_of(q)->hurry, __ATOMIC_ACQUIRE))
        pass_all(q, w);
    else
        pass_due(q, w);
    lane_flush(q->q.below);
}

static void timer_fired(void *p)
{
    struct throttle_dir *d = p;
    pass(d->q, d == &d->q->dir[1]);
}

static void kicked(void *p)
{
    pass(p, 0);
    pass(p, 1);
}

/* May it go at once? Else it waits. */
static int may_go(struct throttle_queue *q, struct tn_blk_req *r, int w)
{
    struct throttle_group *g = node_of(q)->g;
    struct throttle_dir *d = &q->dir[w];
    pthread_mutex_lock(&g->lock);
    uint64_t now = now_of(g), wait = TAILQ_EMPTY(&g->turns[w]) ? throttle_wait(&g->t, w, now) : 1;
    if (!wait) {
        throttle_account(&g->t, w, r->len);
    } else {
        int first = !d->waiting.first;
        blk_list_add(&d->waiting, (struct blk_io *)r);
        if (first)
            add_turn(g, q, w);
        if (first && TAILQ_FIRST(&g->turns[w]) == q)
            timer_arm(d->timer, now + wait);
    }
    pthread_mutex_unlock(&g->lock);
    return !wait;
}

static int throttle_submit(void *p, struct tn_blk_req *r)
{
    struct throttle_queue *q = p;
    if (r->op == TN_BLK_FLUSH || __atomic_load_n(&node_of(q)->hurry, __ATOMIC_ACQUIRE) ||
        may_go(q, r, is_write(r)))
        lane_pass(q->q.below, r);
    return 0;
}

/* Waits no longer; the group forgets that it came. */
static void throttle_cancel(void *p, struct tn_blk_req *r)
{
    struct throttle_queue *q = p, *next = NULL;
    struct throttle_group *g = node_of(q)->g;
    int w = is_write(r);
    pthread_mutex_lock(&g->lock);
    int waited = blk_list_remove(&q->dir[w].waiting, (struct blk_io *)r);
    if (waited && !q->dir[w].waiting.first) {
        drop_turn(g, q, w);
        next = TAILQ_FIRST(&g->turns[w]);
    }
    if (next)
        bh_kick(next->bh);
    pthread_mutex_unlock(&g->lock);
    if (waited)
        lane_finish(r, -ECANCELED);
}

/* ---- queues ---- */

static void *throttle_queue_new(void *s, struct tn_ctx *c, struct tn_err *e)
{
    struct throttle_node *n = s;
    struct throttle_queue *q = filter_queue(&n->f, sizeof *q, c, e);
    if (!q)
        return NULL;
    q->bh = bh_new(c, NULL, TN_LF_NOLOCK, kicked, q);
    for (int w = 0; w < 2; w++) {
        q->dir[w].q = q;
        q->dir[w].timer = timer_new(c, NULL, TN_LF_NOLOCK, n->g->clk, timer_fired, &q->dir[w]);
    }
    LIST_INSERT_HEAD(&n->queues, q, link);
    return q;
}

/* The timers have nothing to do any more, but may be on their way. */
static void throttle_queue_del(void *p)
{
    struct throttle_queue *q = p;
    LIST_REMOVE(q, link);
    bh_del(q->bh);
    timer_del(q->dir[0].timer);
    timer_del(q->dir[1].timer);
    loop_drain(q->q.ctx);
    filter_queue_del(q);
}

/* ---- the node ---- */

struct throttle_group *blk_throttle_group(const struct tn_blk *b)
{
    return ((const struct throttle_node *)b->dev->pub.self)->g;
}

static void set_hurry(struct tn_blk *b, int on)
{
    struct throttle_node *n = b->dev->pub.self;
    struct throttle_queue *q;
    __atomic_add_fetch(&n->hurry, on ? 1 : ~0u, __ATOMIC_ACQ_REL);
    if (on)
        LIST_FOREACH(q, &n->queues, link)
    bh_kick(q->bh);
}

static int throttle_realize(void *s, struct tn_err *e)
{
    struct throttle_node *n = s;
    struct vm *vm = device_of(n->f.dev)->vm;
    if (!n->group_name || !throttle_group_find(vm, n->group_name))
        return err_set(e, ENOENT, "Throttle group '%s' does not exist",
                       n->group_name ? n->group_name : "");
    int r = filter_realize(&n->f, e);
    if (r < 0)
        return r;
    LIST_INIT(&n->queues);
    n->g = throttle_group_get(vm, n->group_name);
    filter_blk(&n->f)->hurry = set_hurry;
    return 0;
}

static void throttle_unrealize(void *s)
{
    filter_unrealize(s);
    throttle_group_put(((struct throttle_node *)s)->g);
}

/* What waits here must not keep a machine from pausing. */
static int throttle_quiesce(void *s, uint32_t why, uint32_t flags)
{
    struct throttle_node *n = s;
    (void)why, (void)flags;
    if (!n->quiet++)
        set_hurry(filter_blk(s), 1);
    return 0;
}

static void throttle_resume(void *s)
{
    struct throttle_node *n = s;
    if (n->quiet)
        set_hurry(filter_blk(s), 0);
    n->quiet = 0;
}

static const struct tn_blk_backend throttle_ops = {
    .struct_size = sizeof throttle_ops,
    .info = filter_info,
    .queue = throttle_queue_new,
    .queue_del = throttle_queue_del,
    .submit = throttle_submit,
    .cancel = throttle_cancel,
    .flush_batch = filter_flush_batch,
    .access = filter_access,
};

static const struct tn_prop throttle_props[] = {
    FILTER_PROP(struct throttle_node),
    TN_PROP_ROW(struct throttle_node, group_name, "throttle-group", STR, TN_PF_REQUIRED, 0, 0, 0, 0,
                NULL, NULL, "id of a throttle-group"),
};

const struct tn_class blk_throttle_class = {
    .struct_size = sizeof(struct tn_class),
    .kind = TN_K_BLOCK,
    .name = "throttle",
    .desc = "Limits the rate of requests",
    .instance_size = sizeof(struct throttle_node),
    .props = throttle_props,
    .nprops = sizeof throttle_props / sizeof throttle_props[0],
    .prop_stride = sizeof throttle_props[0],
    .bus_ops = &throttle_ops,
    .init = filter_init,
    .realize = throttle_realize,
    .quiesce = throttle_quiesce,
    .resume = throttle_resume,
    .unrealize = throttle_unrealize,
};
