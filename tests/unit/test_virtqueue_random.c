/* SPDX-License-Identifier: BSD-2-Clause */
/* A random driver and a random device, the same for every format and every kind of memory: each
 * byte is where it should be, nobody sleeps while there is work, and what happens is the same
 * everywhere. */
#include "tap.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"
#include <stdlib.h>

enum { SLOT = 16384, SLOTS = 320, DATA = RIG_BASE + 0x2fe000, MAX_BUFS = 6, UNTOUCHED = 0xee };

struct request {
    struct vq_elem el; /* first */
    uint32_t sum;
};

struct slot {
    struct drv_buf b[MAX_BUFS];
    uint32_t nout, nin, sum;
    bool busy;
};

struct run {
    uint64_t rng, digest;
    struct rig as;
    struct drv drv;
    struct vq q;
    struct slot slot[SLOTS];
    struct request *inflight[32768];
    uint32_t n; /* in flight */
    uint32_t size;
    bool in_order, device_sleeps, driver_sleeps;
    uint64_t done;
};

static uint32_t rnd(struct run *r, uint32_t below)
{
    r->rng = r->rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((r->rng >> 33) % below);
}

static void note(struct run *r, uint64_t v)
{
    r->digest = (r->digest ^ v) * 0x100000001b3u;
}

static uint64_t slot_addr(uint32_t i)
{
    return DATA + (uint64_t)i * SLOT;
}

/* ---- the driver ---- */

static void clean(struct run *r, uint32_t i)
{
    for (uint32_t p = 0; p < SLOT / RIG_PAGE; p++)
        r->as.dirty[(slot_addr(i) - RIG_BASE) / RIG_PAGE + p] = 0;
}

static uint32_t fill_out(struct run *r, const struct drv_buf *b)
{
    uint8_t bytes[2048];
    uint32_t sum = 0;
    for (uint32_t i = 0; i < b->len; i++)
        sum = sum * 31 + (bytes[i] = (uint8_t)rnd(r, 256));
    rig_put(&r->as, b->addr, bytes, b->len);
    return sum;
}

/* out and in pieces in a row, some of them empty, with holes between */
static void lay_out(struct run *r, struct slot *s, uint64_t at)
{
    s->sum = 0;
    for (uint32_t i = 0; i < s->nout + s->nin; i++) {
        struct drv_buf *b = &s->b[i];
        *b = (struct drv_buf){at, rnd(r, 8) ? rnd(r, 2048) + 1 : 0};
        at += b->len + rnd(r, 600);
        if (i >= s->nout) {
            uint8_t bytes[2048];
            memset(bytes, UNTOUCHED, sizeof bytes);
            rig_put(&r->as, b->addr, bytes, b->len);
        } else {
            uint32_t sum = fill_out(r, b);
            for (uint32_t k = 0; k < b->len; k++)
                s->sum *= 31;
            s->sum += sum;
        }
    }
}

static void add(struct run *r)
{
    uint32_t i = rnd(r, SLOTS), indirect = rnd(r, 3) == 0;
    struct slot *s = &r->slot[i];
    if (s->busy)
        return;
    s->nout = rnd(r, 4);
    s->nin = rnd(r, 3) + !s->nout;
    if (s->nout + s->nin > r->size && !indirect)
        return;
    lay_out(r, s, slot_addr(i));
    clean(r, i);
    s->busy = drv_add(&r->drv, s->b, s->nout, s->nin, indirect, i);
    note(r, s->busy);
}

static void show(struct run *r)
{
    bool kick = drv_publish(&r->drv);
    if (kick)
        r->device_sleeps = false;
    CHECK(!r->device_sleeps || vq_empty(&r->q));
}

static void check_in(struct run *r, struct slot *s, uint32_t len)
{
    uint32_t at = 0;
    for (uint32_t i = s->nout; i < s->nout + s->nin; i++) {
        uint8_t bytes[2048];
        rig_get(&r->as, s->b[i].addr, bytes, s->b[i].len);
        for (uint32_t k = 0; k < s->b[i].len; k++, at++)
            CHECK_EQ(bytes[k], at < len ? (uint8_t)(s->sum + at) : UNTOUCHED);
    }
}

static bool written_in(const struct slot *s, uint32_t len, uint64_t page)
{
    for (uint32_t i = s->nout; i < s->nout + s->nin && len; i++) {
        uint32_t here = s->b[i].len < len ? s->b[i].len : len;
        if (here && s->b[i].addr < page + RIG_PAGE && s->b[i].addr + here > page)
            return true;
        len -= here;
    }
    return false;
}

static void check_dirty(struct run *r, uint64_t i, uint32_t len)
{
    for (uint32_t p = 0; p < SLOT / RIG_PAGE; p++) {
        uint64_t page = slot_addr((uint32_t)i) + (uint64_t)p * RIG_PAGE;
        CHECK_EQ(rig_dirty(&r->as, page), written_in(&r->slot[i], len, page));
    }
}

static void get(struct run *r)
{
    uint64_t i;
    uint32_t len;
    while (drv_get(&r->drv, &i, &len)) {
        CHECK(i < SLOTS && r->slot[i].busy);
        note(r, i << 32 | len);
        check_in(r, &r->slot[i], len);
        if (r->as.view.log || r->as.how & RIG_NO_VIEW)
            check_dirty(r, i, len);
        r->slot[i].busy = false;
        r->done++;
        if (rnd(r, 8) == 0)
            return;
    }
    r->driver_sleeps = !drv_interrupts(&r->drv, 1);
}

/* ---- the device ---- */

static void take(struct run *r, struct request *req)
{
    uint8_t bytes[MAX_BUFS * 2048];
    CHECK(req->el.out_len <= sizeof bytes);
    CHECK_EQ(vq_read(vq_out(&req->el), req->el.nout, 0, bytes, sizeof bytes), req->el.out_len);
    req->sum = 0;
    for (uint32_t i = 0; i < req->el.out_len; i++)
        req->sum = req->sum * 31 + bytes[i];
    note(r, (uint64_t)req->sum << 32 | (uint32_t)req->el.in_len);
    r->inflight[r->n++] = req;
}

/* One by one or several at once: the driver sees no difference. */
static uint32_t pop_up_to(struct run *r, void **els, uint32_t max)
{
    if (max % 2)
        return vq_pop_some(&r->q, els, max);
    uint32_t n = 0;
    while (n < max && (els[n] = vq_pop(&r->q)))
        n++;
    return n;
}

static void pop(struct run *r)
{
    void *els[12];
    uint32_t max = rnd(r, 12), n = pop_up_to(r, els, max);
    if (n < max && !r->q.again)
        r->device_sleeps = !r->q.kicks_off;
    else if (n)
        r->device_sleeps = false;
    for (uint32_t i = 0; i < n; i++)
        take(r, els[i]);
}

static void peek(struct run *r)
{
    struct vq_elem *el[4];
    uint32_t n = 0;
    while (n < 4 && (el[n] = vq_pop(&r->q)))
        n++;
    while (n)
        vq_unpop(&r->q, el[--n]);
    note(r, vq_room(&r->q, 3000));
    r->device_sleeps = false;
}

/* The bytes written. */
static uint32_t answer(struct run *r, struct request *req)
{
    uint8_t bytes[MAX_BUFS * 2048];
    uint32_t len = (uint32_t)req->el.in_len;
    if (len && rnd(r, 2))
        len = rnd(r, len + 1);
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(req->sum + i);
    CHECK_EQ(vq_write(vq_in(&req->el), req->el.nin, 0, bytes, len), len);
    return len;
}

static void complete(struct run *r)
{
    void *els[12];
    uint32_t len[12], n = 0, k = rnd(r, 12);
    bool together = rnd(r, 2);
    for (; n < k && r->n; n++) {
        uint32_t i = rnd(r, r->n);
        struct request *req = r->inflight[i];
        r->inflight[i] = r->inflight[--r->n];
        els[n] = req;
        len[n] = answer(r, req);
        if (!together)
            vq_push(&r->q, &req->el, len[n]);
    }
    if (together)
        vq_push_some(&r->q, els, len, n);
}

static void publish(struct run *r)
{
    uint64_t unread = r->q.pending || r->q.run;
    if (vq_publish(&r->q))
        r->driver_sleeps = false;
    else if (r->driver_sleeps && unread)
        CHECK(!drv_interrupts(&r->drv, 1));
}

static void toggle_kicks(struct run *r)
{
    bool on = rnd(r, 2);
    bool more = vq_kicks(&r->q, on);
    CHECK(on || !more);
    r->device_sleeps = on && !more && vq_empty(&r->q);
}

/* What is in flight is given up for now. */
static void keep_all(struct run *r, struct vq_kept **kept)
{
    for (uint32_t i = 0; i < r->n; i++) {
        kept[i] = vq_keep(&r->q, &r->inflight[i]->el);
        CHECK(kept[i] != NULL);
    }
    CHECK_EQ(r->q.inflight, 0);
    CHECK_EQ(r->as.mapped, 0);
}

static void retake_all(struct run *r, struct vq_kept **kept)
{
    uint32_t n = r->n;
    r->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct request *req = vq_retake(&r->q, kept[i]);
        if (!req && r->q.again == VQ_AGAIN_MAP)
            req = vq_retake(&r->q, kept[i]);
        CHECK(req != NULL);
        free(kept[i]);
        take(r, req);
    }
}

/* A stop, and a start where it stood, now and then in another process. */
static void restart(struct run *r)
{
    static struct vq_kept *kept[32768];
    struct tn_vq c = r->drv.c;
    publish(r);
    bool keeps = rnd(r, 2);
    if (keeps)
        keep_all(r, kept);
    struct vq_place p = vq_place(&r->q);
    c.flags |= TN_VQ_RESTORE;
    vq_stop(&r->q);
    if ((keeps || !r->n) && !r->in_order) {
        vq_fini(&r->q);
        vq_init(&r->q, sizeof(struct request), 3);
    }
    CHECK_EQ(vq_start(&r->q, &c, &rig_dma, rig_as(&r->as), NULL, &p), 0);
    if (keeps)
        retake_all(r, kept);
    r->device_sleeps = r->driver_sleeps = false;
}

static void step(struct run *r)
{
    switch (rnd(r, 16)) {
    case 0 ... 3:
        add(r);
        break;
    case 4 ... 5:
        show(r);
        break;
    case 6 ... 8:
        pop(r);
        break;
    case 9 ... 10:
        complete(r);
        break;
    case 11 ... 12:
        publish(r);
        break;
    case 13:
        peek(r);
        break;
    case 14:
        toggle_kicks(r);
        if (rnd(r, 64) == 0)
            restart(r);
        break;
    default:
        get(r);
    }
    CHECK_EQ(r->q.inflight, r->n);
    CHECK(!r->q.broken);
}

/* How many requests made it, and in *digest all that happened. */
static uint64_t run(uint32_t flags, uint32_t size, uint32_t how, bool log, uint64_t seed,
                    uint32_t steps, uint64_t *digest)
{
    static struct run r;
    memset(&r, 0, sizeof r);
    r.rng = seed;
    r.size = size;
    r.in_order = flags & TN_VQ_IN_ORDER;
    rig_init(&r.as, how);
    uint64_t end = drv_init(&r.drv, &r.as, flags, size, RIG_BASE);
    CHECK(end <= DATA);
    rig_log(&r.as, log);
    vq_init(&r.q, sizeof(struct request), 3);
    CHECK_EQ(vq_start(&r.q, &r.drv.c, &rig_dma, rig_as(&r.as), NULL, NULL), 0);
    for (uint32_t i = 0; i < steps; i++) {
        r.as.map_again = (how & RIG_NO_VIEW) && i % 7 == 0 ? 1 : 0;
        step(&r);
    }
    while (r.n)
        vq_drop(&r.q, &r.inflight[--r.n]->el);
    *digest = r.digest;
    CHECK(!log || rig_dirty(&r.as, flags & TN_VQ_PACKED ? r.drv.c.desc : r.drv.c.device));
    vq_stop(&r.q);
    vq_fini(&r.q);
    drv_fini(&r.drv);
    rig_fini(&r.as);
    CHECK_EQ(r.as.mapped, 0);
    return r.done;
}

static uint32_t options(uint32_t bits)
{
    return TN_VQ_INDIRECT | (bits & 1 ? TN_VQ_EVENT_IDX : 0) | (bits & 2 ? TN_VQ_IN_ORDER : 0);
}

TEST(split_and_packed_do_the_same)
{
    static const uint32_t sizes[] = {1, 2, 4, 8, 64, 256};
    for (uint32_t s = 0; s < 6; s++)
        for (uint32_t bits = 0; bits < 4; bits++)
            for (uint64_t seed = 1; seed <= 2; seed++) {
                uint64_t a, b;
                uint64_t n = run(options(bits), sizes[s], 0, false, seed, 6000, &a);
                CHECK_EQ(run(options(bits) | TN_VQ_PACKED, sizes[s], 0, false, seed, 6000, &b), n);
                CHECK_EQ(a, b);
                CHECK(n > 100);
            }
}

TEST(packed_rings_of_any_size)
{
    static const uint32_t sizes[] = {3, 5, 7, 100, 333};
    uint64_t d;
    for (uint32_t s = 0; s < 5; s++)
        for (uint32_t bits = 0; bits < 4; bits++)
            CHECK(run(options(bits) | TN_VQ_PACKED, sizes[s], 0, false, 9, 10000, &d) > 100);
}

/* Every way to get at memory gives the same bytes, and marks what was written, and nothing else. */
TEST(all_memory_is_alike)
{
    static const uint32_t hows[] = {0, RIG_NO_RINGS, RIG_NO_VIEW | RIG_NO_MAP,
                                    RIG_NO_VIEW | RIG_NO_MAP | RIG_NO_RINGS};
    for (uint32_t f = 0; f <= 1; f++)
        for (uint32_t bits = 0; bits < 4; bits++) {
            uint32_t flags = options(bits) | (f ? TN_VQ_PACKED : 0);
            uint64_t first, other;
            uint64_t n = run(flags, 32, 0, true, 5, 6000, &first);
            CHECK(n > 100);
            for (uint32_t h = 0; h < 4; h++) {
                CHECK_EQ(run(flags, 32, hows[h], true, 5, 6000, &other), n);
                CHECK_EQ(first, other);
            }
        }
}

/* map() answers page by page, and now and then not yet. */
TEST(mappings_behind_an_iommu)
{
    uint64_t d;
    for (uint32_t bits = 0; bits < 4; bits++) {
        CHECK(run(options(bits), 32, RIG_NO_VIEW, true, 6, 6000, &d) > 100);
        CHECK(run(options(bits) | TN_VQ_PACKED, 32, RIG_NO_VIEW, true, 6, 6000, &d) > 100);
    }
}

/* The 16-bit indices go round. */
TEST(indices_wrap)
{
    uint64_t d;
    CHECK(run(options(1), 64, 0, false, 20, 300000, &d) > 65536);
    CHECK(run(options(1) | TN_VQ_PACKED, 64, 0, false, 20, 100000, &d) > 10000);
}

/* 2.7, 2.8: the largest there are, and round them */
TEST(queues_of_32768)
{
    uint64_t d;
    CHECK(run(options(1), VQ_MAX_SIZE, 0, false, 30, 100000, &d) > 15000);
    CHECK(run(options(1) | TN_VQ_PACKED, VQ_MAX_SIZE, 0, false, 30, 100000, &d) > 15000);
}

int main(void)
{
    RUN(split_and_packed_do_the_same);
    RUN(packed_rings_of_any_size);
    RUN(all_memory_is_alike);
    RUN(mappings_behind_an_iommu);
    RUN(indices_wrap);
    RUN(queues_of_32768);
    return tap_done();
}
