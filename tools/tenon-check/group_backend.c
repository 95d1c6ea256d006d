/* SPDX-License-Identifier: BSD-2-Clause */
/* Back ends: the rules of block.h, net.h, chardev.h and rng.h for who is behind them. */
#include "drive.h"
#include "host_block.h"
#include "stand_in.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/chardev.h>
#include <tenon/net.h>
#include <tenon/rng.h>

enum { WAIT_MS = 3000, ECHO_MS = 200, PIECES = 8, BLOCK = 4096, REQUESTS = 16, ROUNDS = 24 };

static const char *needs_kind(const struct check *c, uint32_t kind, const char *why)
{
    return c->cls->kind == kind && c->cls->bus_ops ? NULL : why;
}

static const char *needs_block(const struct check *c)
{
    return needs_kind(c, TN_K_BLOCK, "it is no block back end");
}

static const char *needs_net(const struct check *c)
{
    return needs_kind(c, TN_K_NETDEV, "it is no network back end");
}

static const char *needs_chardev(const struct check *c)
{
    return needs_kind(c, TN_K_CHARDEV, "it is no character back end");
}

static const char *needs_rng(const struct check *c)
{
    for (const char *const *id = c->cls->provides; id && *id; id++)
        if (strcmp(*id, TN_RNG_1) == 0)
            return NULL;
    return "it is no source of entropy";
}

/* ---- block ---- */

struct blk_bench {
    struct host *h;
    struct dev *d;
    const struct tn_blk_backend *b;
    struct tn_blk_info info;
    void *q;
    uint8_t *mem;
    struct blk_sent sent[REQUESTS];
    struct tn_iov iov[REQUESTS];
    uint32_t n;
};

static void blk_info_ok(struct check *c, const struct tn_blk_info *i)
{
    CHECK(c, i->logical >= 512 && !(i->logical & (i->logical - 1)), "blocks of %u bytes",
          i->logical);
    CHECK(c, i->physical >= i->logical, "physical blocks of %u bytes, logical ones of %u",
          i->physical, i->logical);
    CHECK(c, !(i->mem_align & (i->mem_align - 1)),
          "memory is to be aligned to %u bytes: no power of two", i->mem_align);
    CHECK(c, !i->max_transfer || i->max_transfer >= i->logical, "at most %llu bytes in a request",
          (unsigned long long)i->max_transfer);
}

static void blk_open(struct check *c, struct blk_bench *x)
{
    struct tn_err e = {0};
    int r = 0;
    *x = (struct blk_bench){.b = c->cls->bus_ops};
    x->d = check_start(c, &x->h);
    x->info.struct_size = sizeof x->info;
    CALL(x->d, R_MAIN | R_DEV, "block info", r = x->b->info(x->d->pub.self, &x->info));
    CHECK(c, r == 0, "info answers %d", r);
    blk_info_ok(c, &x->info);
    uint32_t flags = TN_BLKA_READ | (x->info.flags & TN_BLKF_READONLY ? 0 : TN_BLKA_WRITE);
    if (x->b->access)
        CALL(x->d, R_MAIN | R_DEV, "block access", r = x->b->access(x->d->pub.self, flags, &e));
    if (r < 0)
        check_skip(c, "it gives no access: %s", e.text);
    CALL(x->d, R_MAIN, "block queue", x->q = x->b->queue(x->d->pub.self, x->d->home, &e));
    if (!x->q)
        check_skip(c, "it has no queue: %s", e.text);
    x->mem = aligned_alloc(65536, REQUESTS * BLOCK > 65536 ? REQUESTS * BLOCK : 65536);
}

static int blk_idle(void *o)
{
    struct blk_bench *x = o;
    for (uint32_t i = 0; i < x->n; i++)
        if (!x->sent[i].done)
            return 0;
    return 1;
}

static void blk_wait(struct check *c, struct blk_bench *x)
{
    CHECK(c, host_wait(x->h, WAIT_MS, blk_idle, x), "a request is never done");
    x->n = 0;
}

/* len bytes at off of memory `at`; 0 or what submit() answered. */
static int blk_put(struct check *c, struct blk_bench *x, uint32_t op, uint64_t off, uint64_t len,
                   uint8_t *at)
{
    if (x->n == REQUESTS)
        blk_wait(c, x);
    struct blk_sent *s = &x->sent[x->n];
    x->iov[x->n] = (struct tn_iov){at, len};
    int data = op == TN_BLK_READ || op == TN_BLK_WRITE;
    *s = (struct blk_sent){.req = {.op = op,
                                   .off = off,
                                   .len = len,
                                   .iov = data ? &x->iov[x->n] : NULL,
                                   .niov = (uint32_t)data}};
    int r = blk_send(x->d, x->q, s);
    CHECK(c, r == 0 || r == -EAGAIN, "submit answers %d: 0 or -EAGAIN", r);
    if (r == 0)
        x->n++;
    else
        blk_wait(c, x);
    return r;
}

static int blk_do(struct check *c, struct blk_bench *x, uint32_t op, uint64_t off, uint64_t len,
                  uint8_t *at)
{
    while (blk_put(c, x, op, off, len, at) < 0)
        ;
    uint32_t i = x->n - 1;
    blk_wait(c, x);
    return x->sent[i].err;
}

static void blk_close(struct check *c, struct blk_bench *x)
{
    if (x->n)
        blk_wait(c, x);
    CALL(x->d, R_MAIN, "block queue_del", x->b->queue_del(x->q));
    free(x->mem);
    check_end(c, x->h, x->d);
}

static uint64_t piece_of(const struct blk_bench *x)
{
    return x->info.logical > BLOCK ? x->info.logical : BLOCK;
}

static void blk_reads(struct check *c)
{
    struct blk_bench x;
    blk_open(c, &x);
    uint64_t len = piece_of(&x);
    if (x.info.size < len)
        check_skip(c, "it has %llu bytes", (unsigned long long)x.info.size);
    for (uint32_t i = 0; i < ROUNDS * 4; i++)
        blk_put(c, &x, TN_BLK_READ, rng_next(&c->rng) % (x.info.size / len) * len, len,
                x.mem + i % 8 * 4096);
    blk_wait(c, &x);
    blk_close(c, &x);
}

/* A null device leaves the buffer alone, or reads zeroes. */
static int forgets(const uint8_t *p, uint64_t len)
{
    return (p[0] == 0 || p[0] == 0xee) && memcmp(p, p + 1, len - 1) == 0;
}

/* What is written is read, also after a flush; and next to it nothing has changed. */
static void blk_writes(struct check *c)
{
    struct blk_bench x;
    blk_open(c, &x);
    uint64_t len = piece_of(&x);
    if (x.info.flags & TN_BLKF_READONLY || x.info.size < 4 * len || len > BLOCK)
        check_skip(c, "it cannot be written to here");
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint64_t off = rng_below(&c->rng, 4) * len;
        memset(x.mem, (int)(i + 1), len);
        CHECK(c, blk_do(c, &x, TN_BLK_WRITE, off, len, x.mem) == 0, "a write fails");
        if (i % 4 == 0)
            CHECK(c, blk_do(c, &x, TN_BLK_FLUSH, 0, 0, NULL) == 0, "a flush fails");
        memset(x.mem + BLOCK, 0xee, len);
        CHECK(c, blk_do(c, &x, TN_BLK_READ, off, len, x.mem + BLOCK) == 0, "a read fails");
        if (i == 0 && forgets(x.mem + BLOCK, len))
            check_skip(c, "it keeps nothing of what is written");
        CHECK(c, memcmp(x.mem, x.mem + BLOCK, len) == 0,
              "what is read at %llu is not what was written", (unsigned long long)off);
    }
    blk_close(c, &x);
}

static void blk_others(struct check *c)
{
    static const uint32_t ops[] = {TN_BLK_FLUSH, TN_BLK_DISCARD, TN_BLK_WRITE_ZEROES,
                                   TN_BLK_SECURE_ERASE};
    static const uint32_t flag[] = {0, TN_BLKF_DISCARD, TN_BLKF_WRITE_ZEROES, TN_BLKF_SECURE_ERASE};
    struct blk_bench x;
    blk_open(c, &x);
    uint64_t len = piece_of(&x);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (ops[i] != TN_BLK_FLUSH &&
            (x.info.flags & TN_BLKF_READONLY || !(x.info.flags & flag[i]) || x.info.size < len))
            continue;
        int r = blk_do(c, &x, ops[i], 0, ops[i] == TN_BLK_FLUSH ? 0 : len, NULL);
        CHECK(c, r == 0 || r == -ENOTSUP, "operation %u fails with %d", ops[i], r);
    }
    blk_close(c, &x);
}

static void blk_cancels(struct check *c)
{
    struct blk_bench x;
    blk_open(c, &x);
    uint64_t len = piece_of(&x);
    if (!x.b->cancel || x.info.size < len)
        check_skip(c, "it cannot cancel");
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (blk_put(c, &x, TN_BLK_READ, 0, len, x.mem) == 0)
            CALL(x.d, x.d->home->role, "block cancel", x.b->cancel(x.q, &x.sent[x.n - 1].req));
        blk_wait(c, &x); /* "feed->done follows all the same" */
    }
    blk_close(c, &x);
}

/* ---- networks ---- */

static int heard(void *o)
{
    return ((struct host *)o)->log.net_in != 0;
}

static void net_sends(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    const struct tn_net_backend *b = c->cls->bus_ops;
    uint8_t frame[1514] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 1, 2, 3, 8, 6};
    uint32_t queues = 1;
    if (b->queues)
        CALL(d, R_MAIN, "net queues", queues = b->queues(d->pub.self));
    CHECK(c, queues >= 1, "it has no queue: at least 1");
    if (b->peer)
        CALL(d, R_MAIN | R_DEV, "net peer", b->peer(d->pub.self, 1));
    for (uint32_t i = 0; i < ROUNDS * 8; i++) {
        uint32_t len = 14 + rng_below(&c->rng, sizeof frame - 13), cut = rng_below(&c->rng, len),
                 q = rng_below(&c->rng, queues);
        const struct tn_iov v[2] = {{frame, cut}, {frame + cut, len - cut}};
        int64_t r = 0;
        for (uint32_t k = 14; k < len; k++)
            frame[k] = (uint8_t)rng_next(&c->rng);
        CALL(d, d->home->role | (b->flags & TN_NETB_ANY ? 0 : R_DEV), "net send",
             r = b->send(d->pub.self, q, v, 2));
        CHECK(c, r <= 0 || r == (int64_t)len, "send answers %lld of %u bytes: all, 0, or -errno",
              (long long)r, len);
        if (b->can_receive && i % 8 == 0)
            CALL(d, d->home->role | R_DEV, "net can_receive", b->can_receive(d->pub.self, q));
        host_run(h, 1000000);
    }
    host_wait(h, ECHO_MS, heard, h); /* of an end that answers */
    check_note(c, "%llu packets came back", (unsigned long long)h->log.net_in);
    if (b->peer)
        CALL(d, R_MAIN | R_DEV, "net peer", b->peer(d->pub.self, 0));
    check_end(c, h, d);
}

/* ---- character devices ---- */

static void chr_writes(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    const struct tn_chr_backend *b = c->cls->bus_ops;
    uint8_t text[300];
    memset(text, '.', sizeof text);
    for (uint32_t open = 2; open--;) {
        if (b->frontend)
            CALL(d, R_MAIN | R_DEV, "chr frontend", b->frontend(d->pub.self, open));
        for (uint32_t i = 0; i < ROUNDS; i++) {
            uint64_t n = 1 + rng_below(&c->rng, sizeof text);
            int64_t r = 0;
            CALL(d, d->home->role | R_DEV, "chr write", r = b->write(d->pub.self, text, n));
            CHECK(c, r <= (int64_t)n, "write answers %lld of %llu bytes", (long long)r,
                  (unsigned long long)n);
            if (b->room)
                CALL(d, d->home->role | R_DEV, "chr room", b->room(d->pub.self, n));
            host_run(h, 1000000);
        }
    }
    check_end(c, h, d);
}

/* ---- entropy ---- */

struct asker {
    struct check *c;
    struct dev *d;
    uint32_t asked, open, got;
};

static void entropy(void *arg, const uint8_t *p, uint32_t n)
{
    struct asker *a = arg;
    if (call_inside(a->d, "rng want"))
        check_fail(a->c, "entropy() inside want(): never inside");
    if (!a->open)
        check_fail(a->c, "entropy() and no want() is open");
    if (n > a->asked || (n && !p))
        check_fail(a->c, "entropy() of %u bytes, %u were wanted", n, a->asked);
    a->open = 0;
    a->got += n;
}

/* What it reads from, if that is a character device, is a stand-in and talks all the time. */
static struct tn_chr *talker(const struct asker *a)
{
    return stand_in_of(a->d->h, TN_P_CHARDEV, 0);
}

static int answered(void *o)
{
    struct asker *a = o;
    struct tn_chr *chr = talker(a);
    uint8_t noise[64];
    for (uint32_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)rng_next(&a->c->rng);
    for (uint32_t i = 0; chr && a->open && i < PIECES; i++)
        chr_type(chr, noise, sizeof noise);
    return !a->open;
}

static void rng_wants(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    struct asker a = {.c = c, .d = d};
    struct tn_err e = {0};
    const struct tn_rng *r = NULL;
    void *reader = NULL;
    CALL(d, R_MAIN, "get_iface", r = c->cls->get_iface(d->pub.self, TN_RNG_1));
    CALL(d, R_MAIN, "rng open", reader = r->open(d->pub.self, &d->pub, entropy, &a, &e));
    CHECK(c, reader || e.err, "open answers NULL and does not fill e");
    if (!reader)
        check_skip(c, "it cannot be opened here: %s", e.text);
    if (talker(&a))
        chr_event(talker(&a), TN_CHR_OPENED);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        a.asked = 1 + rng_below(&c->rng, 2000);
        a.open = 1;
        CALL(d, R_MAIN | R_DEV, "rng want", r->want(reader, a.asked));
        if (i % 4 == 3) {
            CALL(d, R_MAIN | R_DEV, "rng cancel", r->cancel(reader));
            a.open = 0;
            host_run(h, 1000000);
        } else if (!host_wait(h, WAIT_MS, answered, &a)) {
            check_skip(c, "nothing comes: what it reads from is silent here");
        }
    }
    CALL(d, R_MAIN, "rng close", r->close(reader));
    host_run(h, 1000000);
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"block-reads", "reads within its size are done, once, with its limits as it says them",
     "block.h: struct tn_blk_backend", CT_CLASS | CT_LONG, needs_block, blk_reads},
    {"block-writes", "what was written is read", "block.h: struct tn_blk_backend",
     CT_CLASS | CT_LONG, needs_block, blk_writes},
    {"block-others", "flush, and what its flags say: discard, write zeroes, secure erase",
     "block.h: TN_BLKF_*", CT_CLASS | CT_LONG, needs_block, blk_others},
    {"block-cancel", "a cancelled request is done all the same", "block.h: cancel",
     CT_CLASS | CT_LONG, needs_block, blk_cancels},
    {"net-sends", "packets are taken whole, later, or dropped", "net.h: struct tn_net_backend",
     CT_CLASS, needs_net, net_sends},
    {"chardev-writes", "bytes are taken, or a part of them, with a front end and without",
     "chardev.h: struct tn_chr_backend", CT_CLASS, needs_chardev, chr_writes},
    {"rng-wants",
     "each want() is answered once, later, with no more than it asked for; cancelled ones never",
     "rng.h", CT_CLASS | CT_LONG, needs_rng, rng_wants},
    {0},
};

const struct check_group group_backend = {"backend", tests};
