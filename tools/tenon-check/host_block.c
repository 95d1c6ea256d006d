/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_BLOCK_1 with a disk in memory behind it: completions come later, in another order, and some
 * fail. TN_BLOCK_FEED_1 for back ends, which block_drive.h drives. */
#include "host_block.h"
#include "parts.h"
#include "services.h"
#include "stand_in.h"

enum { DISK = 1 << 20, SECTOR = 512, QUEUE_DEPTH = 64 };

struct tn_blk {
    struct host *h;
    struct dev *user;
    struct tn_blk_ops ops;
    void *s;
    uint32_t in_flight, served;
    uint32_t fail_every; /* 0 = none fails */
    uint8_t data[DISK];
};
struct tn_blkq {
    struct res r;
    struct tn_blk *b;
    struct tn_ctx *c;
    uint32_t flags, in_flight;
};
struct request {
    struct tn_blkq *q;
    void (*done)(void *arg, int err);
    void *arg;
    int err;
    uint32_t rounds; /* of host_run() still to wait */
};

static void blk_release(struct res *r)
{
    struct attached {
        struct res r;
        struct tn_blk *b;
    } *a = (void *)r;
    a->b->user = NULL;
}

static struct tn_blk *blk_use(struct tn_blk *b, uint32_t roles, const char *what)
{
    if (!b || !b->user)
        violation("block.h: attach", "%s of a block device that is not attached", what);
    enter(b->user, roles, what);
    return b;
}

static int blk_attach(struct tn_blk *b, struct tn_dev *pub, uint32_t flags,
                      const struct tn_blk_ops *o, void *s, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "block->attach");
    if (!b || !o || !o->drain_begin || !o->drain_end)
        violation("block.h: attach",
                  "block->attach without a device, or without drain_begin and drain_end");
    if (flags & ~(uint32_t)(TN_BLKA_WRITE | TN_BLKA_SHARE_RW))
        violation("block.h: attach: TN_BLKA_*", "block->attach with flags 0x%x", flags);
    int r = inject_err(d, e, EACCES, "block->attach");
    if (r == 0 && b->user)
        r = err_set(e, EBUSY, "the drive has a front end");
    if (r < 0)
        return r;
    struct {
        struct res r;
        struct tn_blk *b;
    } *a = res_new(d, "block device", sizeof *a, blk_release);
    a->b = b;
    b->user = d;
    b->ops = *o;
    b->s = s;
    return 0;
}

static int blk_info(struct tn_blk *b, struct tn_blk_info *out)
{
    enter(NULL, R_ANY, "block->info");
    struct tn_blk_info i = {.struct_size = out->struct_size,
                            .flags = TN_BLKF_WRITE_CACHE | TN_BLKF_DISCARD | TN_BLKF_WRITE_ZEROES |
                                     TN_BLKF_INSERTED,
                            .size = b ? DISK : 0,
                            .logical = SECTOR,
                            .physical = SECTOR,
                            .max_transfer = DISK,
                            .max_discard = DISK,
                            .max_iov = 64,
                            .mem_align = 1};
    memcpy(out, &i, out->struct_size < sizeof i ? out->struct_size : sizeof i);
    return 0;
}

static void queue_release(struct res *r)
{
    (void)r;
}

static struct tn_blkq *blk_queue(struct tn_blk *b, struct tn_ctx *c, uint32_t flags)
{
    blk_use(b, R_MAIN, "block->queue");
    if (flags & TN_LF_NOLOCK && !(b->user->pub.cls->flags & TN_C_THREADSAFE))
        violation(
            "class.h: TN_C_THREADSAFE",
            "block->queue with TN_LF_NOLOCK, but the class does not say that it guards itself");
    if (inject(b->user, "block->queue"))
        return NULL;
    struct tn_blkq *q = res_new(b->user, "block queue", sizeof *q, queue_release);
    q->b = b;
    q->c = c ? c : b->user->home;
    q->flags = flags;
    return q;
}

static void enter_ctx(struct tn_blkq *q, const char *what)
{
    res_check(&q->r, what);
    enter(q->r.d, q->c->role, what);
}

/* What a device cannot begin without it reads in a realize that it ends later. */
static void check_quiet(const struct tn_blkq *q, uint32_t op)
{
    enum stage now = q->r.d->stage;
    if (now != ST_RUNNING && now != ST_QUIESCING && !(now == ST_REALIZING && op == TN_BLK_READ))
        violation("docs/abi.md: Life of an instance: first I/O in resume, none while quiet",
                  "block->submit while the device is quiet");
}

static int move_data(struct tn_blk *b, uint32_t op, uint64_t off, const struct tn_iov *v,
                     uint32_t n)
{
    for (uint32_t i = 0; i < n; off += v[i].len, i++) {
        if (op == TN_BLK_READ)
            memcpy(v[i].base, b->data + off, v[i].len);
        else
            memcpy(b->data + off, v[i].base, v[i].len);
    }
    return 0;
}

static uint64_t sum(const struct tn_iov *v, uint32_t n)
{
    uint64_t s = 0;
    for (uint32_t i = 0; i < n; i++)
        s += v[i].len;
    return s;
}

/* What block.h says of a request: multiples of logical, one memory for all of it. Beyond the end is
 * the device's mistake. */
static int request_ok(const struct tn_blk *b, uint32_t op, uint64_t off, uint64_t len,
                      const struct tn_iov *v, uint32_t n)
{
    (void)b;
    if (op < TN_BLK_READ || op > TN_BLK_SECURE_ERASE)
        violation("block.h: TN_BLK_*", "block->submit of operation %u", op);
    if (op != TN_BLK_FLUSH && (off % SECTOR || len % SECTOR))
        violation("block.h: multiples of tn_blk_info.logical",
                  "block->submit at %llu of %llu bytes", (unsigned long long)off,
                  (unsigned long long)len);
    if ((op == TN_BLK_READ || op == TN_BLK_WRITE) && sum(v, n) != len)
        violation("block.h: submit", "block->submit of %llu bytes with buffers of %llu",
                  (unsigned long long)len, (unsigned long long)sum(v, n));
    return off <= DISK && len <= DISK - off;
}

static void finish(void *o)
{
    struct request *q = o;
    struct dev *d = q->q->r.d;
    if (q->q->r.dead) {
        free(q);
        return;
    }
    if (q->rounds--) {
        job_add(d->h, NULL, finish, q);
        return;
    }
    q->q->in_flight--;
    CALL(d, q->q->c->role | (q->q->flags & TN_LF_NOLOCK ? 0 : R_DEV), "block done",
         q->done(q->arg, q->err));
    free(q);
}

static int blk_submit(struct tn_blkq *q, uint32_t op, uint64_t off, uint64_t len,
                      const struct tn_iov *v, uint32_t n, uint32_t flags, void (*done)(void *, int),
                      void *arg)
{
    enter_ctx(q, "block->submit");
    check_quiet(q, op);
    struct tn_blk *b = q->b;
    if (!done || flags & ~(uint32_t)(TN_BLKR_FUA | TN_BLKR_UNMAP))
        violation("block.h: submit", "block->submit without done(), or with flags 0x%x", flags);
    if (!request_ok(b, op, off, len, v, n))
        return -EINVAL;
    if (q->in_flight >= QUEUE_DEPTH || inject(q->r.d, "block->submit"))
        return q->in_flight ? -EAGAIN : -EINVAL;
    struct request *r = XNEW(struct request);
    uint32_t nr = b->served++;
    int fails = b->fail_every && nr % b->fail_every == 0;
    *r = (struct request){q, done, arg, fails ? -EIO : 0, nr % 3};
    if (!fails && (op == TN_BLK_READ || op == TN_BLK_WRITE))
        move_data(b, op, off, v, n);
    q->in_flight++;
    __atomic_add_fetch(&b->h->log.blk_out, 1, __ATOMIC_RELAXED);
    job_add(b->h, NULL, finish, r);
    return 0;
}

static void blk_flush_batch(struct tn_blkq *q)
{
    enter_ctx(q, "block->flush_batch");
}

static int blk_cancel(struct tn_blkq *q, void *arg)
{
    (void)arg;
    enter_ctx(q, "block->cancel");
    return -ENOENT;
}

static void blk_refused(struct tn_blkq *q, uint32_t op)
{
    (void)op;
    enter_ctx(q, "block->refused");
}

static int blk_on_error(struct tn_blk *b, uint32_t op, int err, uint32_t policy)
{
    (void)op;
    blk_use(b, R_MAIN | R_CTX, "block->on_error");
    if (err >= 0 || policy > TN_BLKE_ENOSPC)
        violation("block.h: on_error", "block->on_error with err %d, policy %u", err, policy);
    return policy == TN_BLKE_IGNORE;
}

static int blk_write_cache(struct tn_blk *b, uint32_t on)
{
    blk_use(b, R_VCPU | R_MAIN, "block->write_cache");
    if (on > 1)
        violation("block.h: write_cache", "block->write_cache(%u)", on);
    return 0;
}

static int blk_tray(struct tn_blk *b, uint32_t open, uint32_t locked)
{
    (void)open, (void)locked;
    blk_use(b, R_VCPU | R_MAIN, "block->tray");
    return -ENOTSUP;
}

const struct tn_block block_table = {
    .struct_size = sizeof(struct tn_block),
    .attach = blk_attach,
    .info = blk_info,
    .queue = blk_queue,
    .submit = blk_submit,
    .flush_batch = blk_flush_batch,
    .cancel = blk_cancel,
    .on_error = blk_on_error,
    .write_cache = blk_write_cache,
    .tray = blk_tray,
    .refused = blk_refused,
};

void *stand_in_blk(struct host *h)
{
    struct tn_blk *b = XNEW(struct tn_blk);
    b->h = h;
    return b;
}

void blk_fail_every(struct tn_blk *b, uint32_t n)
{
    b->fail_every = n;
}

/* ---- what back ends call ---- */

static void feed_done(struct tn_dev *pub, struct tn_blk_req *r, int err)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN | R_CTX, "block_feed->done");
    if (call_inside(d, "block submit") || call_inside(d, "block cancel"))
        violation("block.h: tn_blk_feed.done: never inside submit or cancel",
                  "block_feed->done inside one");
    if (call_top() && call_top()->role & R_DEV)
        violation("block.h: tn_blk_feed.done: without [dev]", "block_feed->done with [dev] held");
    if (err > 0 || err < -4095)
        violation("block.h: 0 or -errno", "block_feed->done with err %d", err);
    struct blk_sent *s = (void *)r;
    if (!r || s->magic != BLK_SENT_MAGIC || s->done)
        violation("block.h: tn_blk_feed.done: once",
                  "block_feed->done of a request that is none, or is done already");
    s->err = err;
    s->done = 1;
}

static void feed_changed(struct tn_dev *pub)
{
    enter(dev_of(pub), R_ANY, "block_feed->changed");
}

const struct tn_blk_feed block_feed_table = {
    .struct_size = sizeof(struct tn_blk_feed), .done = feed_done, .changed = feed_changed};

int blk_send(struct dev *d, void *q, struct blk_sent *s)
{
    const struct tn_blk_backend *b = d->pub.cls->bus_ops;
    int r = 0;
    s->magic = BLK_SENT_MAGIC;
    s->done = 0;
    s->req.struct_size = sizeof s->req;
    CALL(d, d->home->role, "block submit", r = b->submit(q, &s->req));
    if (r == 0 && b->flush_batch)
        CALL(d, d->home->role, "block flush_batch", b->flush_batch(q));
    return r;
}
