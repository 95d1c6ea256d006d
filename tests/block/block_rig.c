/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_rig.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

extern const struct tn_plugin iothread_plugin;

/* ---- the host's side ---- */

static void t_done(struct tn_dev *d, struct tn_blk_req *r, int err)
{
    struct rig_req *q = (struct rig_req *)r;
    (void)d;
    if (__atomic_load_n(&q->ended, __ATOMIC_ACQUIRE)) {
        fprintf(stderr, "a request has ended twice\n");
        abort();
    }
    q->err = err;
    __atomic_store_n(&q->ended, 1, __ATOMIC_RELEASE);
    if (q->then)
        q->then(q);
}

static struct rig *current;

static void t_changed(struct tn_dev *d)
{
    (void)d;
    __atomic_add_fetch(&current->changed, 1, __ATOMIC_SEQ_CST);
}

static const struct tn_blk_feed feed = {
    .struct_size = sizeof feed, .rev = 1, .done = t_done, .changed = t_changed};

static const void *(*get_of_host)(const struct tn_host *h, const char *id);

static const void *get(const struct tn_host *h, const char *id)
{
    return strcmp(id, TN_BLOCK_FEED_1) == 0 ? &feed : get_of_host(h, id);
}

/* ---- the machine ---- */

struct rig *rig_new_cold(const struct tn_plugin *p, const char *options)
{
    struct rig *g = XNEW(struct rig);
    current = g;
    g->vm = fixture_vm();
    get_of_host = g->vm->host.get;
    g->vm->host.get = get;
    fixture_register(g->vm, p);
    fixture_register(g->vm, &iothread_plugin);
    g->dev = fixture_add(g->vm, TN_K_BLOCK, options);
    if (!g->dev) {
        rig_free(g);
        return NULL;
    }
    g->be = g->dev->pub.cls->bus_ops;
    g->self = device_self(g->dev);
    return g;
}

struct rig *rig_new(const struct tn_plugin *p, const char *options)
{
    struct rig *g = rig_new_cold(p, options);
    if (g)
        fixture_start(g->vm);
    return g;
}

void rig_free(struct rig *g)
{
    if (g)
        vm_free(g->vm);
    free(g);
}

struct tn_blk_info rig_info(struct rig *g)
{
    struct tn_blk_info i = {.struct_size = sizeof i};
    g->be->info(g->self, &i);
    return i;
}

struct tn_ctx *rig_iothread(struct rig *g, const char *id)
{
    AUTO_FREE char *options = xasprintf("iothread,id=%s", id);
    struct device *d = fixture_add(g->vm, TN_K_OBJECT, options);
    if (!d)
        abort();
    device_resume(d);
    return d->handle;
}

void *rig_queue(struct rig *g, struct tn_ctx *c)
{
    ERR_AUTO e = {0};
    void *q = g->be->queue(g->self, c, &e);
    if (q)
        return q;
    fprintf(stderr, "no queue: %s\n", err_text(&e));
    abort();
}

void rig_queue_del(struct rig *g, struct tn_ctx *c, void *q)
{
    loop_drain(c);
    g->be->queue_del(q);
}

/* ---- requests ---- */

void rig_fill(struct rig_req *q, uint32_t op, uint64_t off, void *p, uint64_t len, uint32_t flags)
{
    *q = (struct rig_req){.r = {.struct_size = sizeof q->r,
                                .op = op,
                                .off = off,
                                .len = len,
                                .niov = p ? 1 : 0,
                                .flags = flags},
                          .iov = {p, len},
                          .then = q->then,
                          .arg = q->arg};
    q->r.iov = &q->iov;
    memset(q->r.own, 0xa5, sizeof q->r.own);
}

uint32_t rig_until(struct rig *g, const uint32_t *flag)
{
    uint64_t end = clock_now(&g->vm->clock, TN_CLK_REAL) + 10000000000u;
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE) && clock_now(&g->vm->clock, TN_CLK_REAL) < end)
        loop_once(g->vm->main, 1000000u);
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

int rig_wait(struct rig *g, void *queue, struct rig_req *q)
{
    int r = g->be->submit(queue, &q->r);
    if (r < 0)
        return r;
    if (g->be->flush_batch)
        g->be->flush_batch(queue);
    if (rig_until(g, &q->ended))
        return q->err;
    fprintf(stderr, "a request does not end\n");
    abort();
}

int rig_io(struct rig *g, void *queue, uint32_t op, uint64_t off, void *p, uint64_t len,
           uint32_t flags)
{
    struct rig_req q = {0};
    rig_fill(&q, op, off, p, len, flags);
    return rig_wait(g, queue, &q);
}

/* ---- stress ---- */

enum { BLOCK = 4096, PIECES = 5 };

struct slot {
    struct rig_req q; /* first */
    struct stress *s;
    uint64_t off, len;
    uint8_t *buf, *shadow;
    struct tn_iov pieces[PIECES];
};

struct stress {
    struct rig *g;
    void *queue;
    const struct stress_load *load;
    struct slot *slot;
    uint64_t random, slot_size;
    uint32_t left, running, wrong, over;
};

static uint32_t rnd(struct stress *s)
{
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(s->random >> 33);
}

static uint32_t choose(struct stress *s)
{
    uint32_t n = rnd(s) % 16;
    return n < 7                        ? TN_BLK_READ
           : n < 13 || !s->load->zeroes ? TN_BLK_WRITE
           : n < 15                     ? TN_BLK_WRITE_ZEROES
                                        : TN_BLK_FLUSH;
}

/* One buffer, or pieces of uneven length. */
static void scatter(struct slot *t)
{
    uint64_t left = t->len, at = 0, align = rig_info(t->s->g).mem_align;
    uint32_t n = rnd(t->s) % 2 ? PIECES : 1, i = 0;
    align = align ? align : 1;
    for (; i < n - 1 && left > 512; i++) {
        uint64_t take = (1 + rnd(t->s) % (left - 1)) & ~(align < 512 ? 511 : align - 1);
        if (!take)
            continue;
        t->pieces[i] = (struct tn_iov){t->buf + at, take};
        at += take;
        left -= take;
    }
    uint32_t used = 0;
    for (uint32_t k = 0; k < i; k++)
        if (t->pieces[k].len)
            t->pieces[used++] = t->pieces[k];
    t->pieces[used++] = (struct tn_iov){t->buf + at, left};
    t->q.r.iov = t->pieces;
    t->q.r.niov = used;
}

static void prepare(struct slot *t)
{
    struct stress *s = t->s;
    uint32_t op = choose(s), flags = 0;
    memset(t->pieces, 0, sizeof t->pieces);
    t->len = BLOCK * (1 + rnd(s) % (s->slot_size / BLOCK));
    if (op == TN_BLK_WRITE_ZEROES)
        flags |= rnd(s) % 2 ? TN_BLKR_UNMAP : 0;
    if (s->load->fua && (op == TN_BLK_WRITE || op == TN_BLK_WRITE_ZEROES))
        flags |= rnd(s) % 4 ? 0 : TN_BLKR_FUA;
    if (op == TN_BLK_FLUSH)
        rig_fill(&t->q, op, 0, NULL, 0, 0);
    else if (op == TN_BLK_WRITE_ZEROES)
        rig_fill(&t->q, op, t->off, NULL, t->len, flags);
    else
        rig_fill(&t->q, op, t->off, t->buf, t->len, flags);
    if (op == TN_BLK_READ || op == TN_BLK_WRITE)
        scatter(t);
    if (op == TN_BLK_READ)
        memset(t->buf, 0xee, t->len);
    if (op == TN_BLK_WRITE)
        for (uint64_t i = 0; i < t->len; i += 4)
            *(uint32_t *)(void *)(t->buf + i) = rnd(s);
    if (op == TN_BLK_WRITE)
        memcpy(t->shadow, t->buf, t->len);
    if (op == TN_BLK_WRITE_ZEROES)
        memset(t->shadow, 0, t->len);
}

static void next(struct slot *t)
{
    struct stress *s = t->s;
    if (!s->left) {
        if (--s->running == 0)
            __atomic_store_n(&s->over, 1, __ATOMIC_RELEASE);
        return;
    }
    s->left--;
    prepare(t);
    int r = s->g->be->submit(s->queue, &t->q.r);
    if (r < 0) {
        s->wrong++;
        fprintf(stderr, "submit: %d\n", r);
        abort();
    }
}

static void ended(struct rig_req *q)
{
    struct slot *t = (struct slot *)q;
    struct stress *s = t->s;
    int bad = q->err != 0;
    if (q->r.op == TN_BLK_READ && !bad)
        bad = memcmp(t->buf, t->shadow, t->len) != 0;
    if (bad)
        fprintf(stderr, "op %u at 0x%llx + 0x%llx: error %d\n", q->r.op, (unsigned long long)t->off,
                (unsigned long long)t->len, q->err);
    s->wrong += (uint32_t)bad;
    next(t);
    if (s->g->be->flush_batch && !__atomic_load_n(&s->over, __ATOMIC_RELAXED))
        s->g->be->flush_batch(s->queue);
}

static void first_read(struct rig_req *q)
{
    struct slot *t = (struct slot *)q;
    memcpy(t->shadow, t->buf, t->s->slot_size);
    t->s->wrong += q->err != 0;
    t->q.then = ended;
    next(t);
    if (t->s->g->be->flush_batch)
        t->s->g->be->flush_batch(t->s->queue);
}

/* What is there is read first. */
static void begin(void *p)
{
    struct stress *s = p;
    s->running = s->load->depth;
    for (uint32_t i = 0; i < s->load->depth; i++) {
        struct slot *t = &s->slot[i];
        t->s = s;
        t->off = i * s->slot_size;
        t->buf = aligned_alloc(BLOCK, s->slot_size);
        t->shadow = aligned_alloc(BLOCK, s->slot_size);
        t->q.then = first_read;
        rig_fill(&t->q, TN_BLK_READ, t->off, t->buf, s->slot_size, 0);
        if (s->g->be->submit(s->queue, &t->q.r) < 0)
            abort();
    }
    if (s->g->be->flush_batch)
        s->g->be->flush_batch(s->queue);
}

uint32_t rig_stress(struct rig *g, struct tn_ctx *c, void *queue, const struct stress_load *l)
{
    struct stress s = {.g = g,
                       .queue = queue,
                       .load = l,
                       .random = l->seed,
                       .slot_size = l->area / l->depth & ~(uint64_t)(BLOCK - 1),
                       .left = l->ops};
    s.slot = xcalloc(l->depth, sizeof *s.slot);
    bh_once(c, NULL, begin, &s);
    uint64_t end = clock_now(&g->vm->clock, TN_CLK_REAL) + 30000000000u;
    while (!__atomic_load_n(&s.over, __ATOMIC_ACQUIRE) &&
           clock_now(&g->vm->clock, TN_CLK_REAL) < end)
        loop_once(g->vm->main, 1000000u);
    if (!s.over) {
        fprintf(stderr, "%u requests do not end\n", s.running);
        abort();
    }
    loop_drain(c);
    for (uint32_t i = 0; i < l->depth; i++) {
        free(s.slot[i].buf);
        free(s.slot[i].shadow);
    }
    free(s.slot);
    return s.wrong;
}
