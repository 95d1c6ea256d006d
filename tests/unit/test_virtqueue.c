/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/virtqueue against an independent driver: what an element is, and what the driver gets back.
 */
#include "tap.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"

static struct rig as;
static struct vq q;
static struct drv drv;
enum { DATA = RIG_BASE + 0x100000 };

static void setup(uint32_t flags, uint32_t size, uint32_t how)
{
    rig_init(&as, how);
    drv_init(&drv, &as, flags, size, RIG_BASE);
    vq_init(&q, sizeof(struct vq_elem), 4);
    CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, rig_as(&as), NULL, NULL), 0);
}

static void teardown(void)
{
    vq_stop(&q);
    vq_fini(&q);
    drv_fini(&drv);
    rig_fini(&as);
    CHECK_EQ(as.mapped, 0);
}

/* One request there and back. */
static void echo(uint32_t flags, bool indirect, uint32_t how)
{
    setup(flags, 8, how);
    for (uint32_t i = 0; i < 100; i++) {
        struct drv_buf b[] = {{DATA, 5}, {DATA + 0x1000, 3}, {DATA + 0x2000, 16}};
        uint64_t token;
        uint32_t len;
        char text[16];
        rig_put(&as, DATA, "hello", 5);
        rig_put(&as, DATA + 0x1000, "you", 3);
        CHECK(drv_add(&drv, b, 2, 1, indirect, i));
        CHECK(drv_publish(&drv));
        struct vq_elem *el = vq_pop(&q);
        CHECK(el != NULL);
        CHECK_EQ(el->nout, 2);
        CHECK_EQ(el->nin, 1);
        CHECK_EQ(el->out_len, 8);
        CHECK_EQ(el->in_len, 16);
        CHECK_EQ(vq_read(vq_out(el), el->nout, 0, text, sizeof text), 8);
        CHECK_EQ(vq_write(vq_in(el), el->nin, 0, text, 8), 8);
        CHECK_EQ(q.inflight, 1);
        vq_push(&q, el, 8);
        CHECK_EQ(q.inflight, 0);
        CHECK(!drv_get(&drv, &token, &len) || how & RIG_NO_RINGS);
        CHECK(vq_publish(&q));
        CHECK(drv_get(&drv, &token, &len));
        CHECK_EQ(token, i);
        CHECK_EQ(len, 8);
        rig_get(&as, DATA + 0x2000, text, 8);
        CHECK(!memcmp(text, "helloyou", 8));
        CHECK(!vq_pop(&q));
        CHECK(drv_interrupts(&drv, 1) == false);
    }
    CHECK(q.broken == NULL);
    teardown();
}

TEST(a_request_makes_its_way_in_every_layout)
{
    static const uint32_t formats[] = {0, TN_VQ_PACKED};
    static const uint32_t hows[] = {0, RIG_NO_VIEW, RIG_NO_VIEW | RIG_NO_MAP, RIG_NO_RINGS,
                                    RIG_NO_VIEW | RIG_NO_MAP | RIG_NO_RINGS};
    for (uint32_t f = 0; f < 2; f++)
        for (uint32_t h = 0; h < 5; h++)
            for (uint32_t bits = 0; bits < 8; bits++)
                echo(formats[f] | TN_VQ_INDIRECT | (bits & 1 ? TN_VQ_EVENT_IDX : 0) |
                         (bits & 2 ? TN_VQ_IN_ORDER : 0),
                     bits & 4, hows[h]);
}

static struct vq_elem *offer(const struct drv_buf *b, uint32_t nout, uint32_t nin, bool indirect)
{
    CHECK(drv_add(&drv, b, nout, nin, indirect, 1));
    drv_publish(&drv);
    return vq_pop(&q);
}

TEST(a_buffer_across_two_regions_is_two_pieces)
{
    setup(0, 8, 0);
    struct vq_elem *el = offer(&(struct drv_buf){RIG_EDGE - 3, 10}, 0, 1, false);
    CHECK(el != NULL);
    CHECK_EQ(el->nin, 2);
    CHECK(el->iov[0].base == rig_at(&as, RIG_EDGE - 3));
    CHECK_EQ(el->iov[0].len, 3);
    CHECK(el->iov[1].base == rig_at(&as, RIG_EDGE));
    CHECK_EQ(el->iov[1].len, 7);
    vq_push(&q, el, 10);
    teardown();
}

TEST(a_table_across_two_regions_is_read_in_one_piece)
{
    setup(TN_VQ_INDIRECT, 8, 0);
    drv.tables = RIG_EDGE - 24;
    const struct drv_buf b[] = {{DATA, 1}, {DATA + 8, 2}, {DATA + 16, 3}};
    uint8_t table[48] = {0};
    uint16_t next = 1;
    for (uint32_t i = 0; i < 3; i++) {
        memcpy(table + 16 * i, &b[i], 12);
        memcpy(table + 16 * i + 12, &(uint16_t){i < 2}, 2);
        memcpy(table + 16 * i + 14, &next, 2);
        next++;
    }
    rig_put(&as, drv.tables, table, sizeof table);
    uint64_t token;
    uint32_t len;
    struct drv_buf at = {drv.tables, sizeof table};
    CHECK(drv_add(&drv, &at, 1, 0, false, 0));
    rig_put(&as, drv.c.desc + 16 * drv.slot[0].head + 12, &(uint16_t){4}, 2);
    drv_publish(&drv);
    struct vq_elem *el = vq_pop(&q);
    CHECK(el != NULL);
    CHECK_EQ(el->nout, 3);
    CHECK_EQ(el->out_len, 6);
    vq_push(&q, el, 0);
    vq_publish(&q);
    CHECK(drv_get(&drv, &token, &len));
    teardown();
}

/* 2.7.5.3.2: normal descriptors, then a table, whose write flag is ignored */
TEST(a_split_chain_may_end_in_a_table)
{
    setup(TN_VQ_INDIRECT, 8, 0);
    const struct drv_buf in_ring[] = {{DATA, 4}, {DATA + 0x100, 32}};
    const struct drv_buf in_table[] = {{DATA + 0x200, 5}, {DATA + 0x300, 6}};
    CHECK(drv_add(&drv, in_ring, 2, 0, false, 0));
    uint16_t head = drv.slot[7].busy ? 7 : 0, next;
    rig_get(&as, drv.c.desc + 16 * head + 14, &next, 2);
    rig_put(&as, drv.c.desc + 16 * next + 12, &(uint16_t){4 | 2}, 2);
    rig_put(&as, DATA + 0x100, &in_table[0], 12);
    rig_put(&as, DATA + 0x10c, (uint16_t[]){1, 1}, 4);
    rig_put(&as, DATA + 0x110, &in_table[1], 12);
    rig_put(&as, DATA + 0x11c, (uint16_t[]){2, 0}, 4);
    drv_publish(&drv);
    struct vq_elem *el = vq_pop(&q);
    CHECK(el != NULL);
    CHECK_EQ(el->nout, 2);
    CHECK_EQ(el->out_len, 9);
    CHECK_EQ(el->nin, 1);
    CHECK_EQ(el->in_len, 6);
    vq_push(&q, el, 0);
    CHECK_EQ(q.ndesc, 0);
    teardown();
}

TEST(elements_are_made_once_and_keep_what_the_device_left)
{
    setup(0, 8, 0);
    vq_stop(&q);
    vq_fini(&q);
    vq_init(&q, sizeof(struct vq_elem) + 8, 1);
    CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, rig_as(&as), NULL, NULL), 0);
    struct drv_buf b[6];
    for (uint32_t i = 0; i < 6; i++)
        b[i] = (struct drv_buf){DATA + 16 * i, 16};
    struct vq_elem *first = offer(b, 6, 0, false);
    uint64_t *own = (uint64_t *)(void *)(first + 1);
    CHECK(first != NULL);
    CHECK_EQ(first->nout, 6);
    CHECK_EQ(*own, 0);
    *own = 7;
    struct tn_iov *grown = first->iov;
    vq_push(&q, first, 0);
    vq_publish(&q);
    CHECK(drv_get(&drv, &(uint64_t){0}, &(uint32_t){0}));
    struct vq_elem *again = offer(b, 6, 0, false);
    CHECK(again == first && again->iov == grown && *own == 7);
    vq_push(&q, again, 0);
    teardown();
}

TEST(what_is_unpopped_comes_again)
{
    for (uint32_t f = 0; f < 2; f++) {
        setup(f ? TN_VQ_PACKED : 0, 4, 0);
        struct drv_buf b[] = {{DATA, 1}, {DATA + 8, 2}};
        for (uint32_t i = 0; i < 20; i++) {
            struct vq_elem *el = offer(b, 2, 0, false), *next;
            CHECK(el != NULL);
            CHECK(drv_add(&drv, b, 1, 0, false, 2));
            drv_publish(&drv);
            CHECK((next = vq_pop(&q)) != NULL);
            vq_unpop(&q, next);
            vq_unpop(&q, el);
            CHECK_EQ(q.inflight, 0);
            CHECK((el = vq_pop(&q)) != NULL);
            CHECK_EQ(el->out_len, 3);
            CHECK((next = vq_pop(&q)) != NULL);
            CHECK_EQ(next->out_len, 1);
            vq_push(&q, next, 0);
            vq_push(&q, el, 0);
            vq_publish(&q);
            uint64_t token;
            uint32_t len;
            CHECK(drv_get(&drv, &token, &len) && token == 2);
            CHECK(drv_get(&drv, &token, &len) && token == 1);
        }
        teardown();
    }
}

TEST(room_is_counted_and_not_taken)
{
    setup(TN_VQ_EVENT_IDX, 8, 0);
    CHECK_EQ(vq_room(&q, 1), 0);
    for (uint32_t i = 0; i < 3; i++)
        CHECK(drv_add(&drv, &(struct drv_buf){DATA + 0x1000 * i, 100}, 0, 1, false, i));
    drv_publish(&drv);
    CHECK_EQ(vq_room(&q, 150), 200);
    CHECK_EQ(vq_room(&q, 1000), 300);
    CHECK(!vq_kicks(&q, true)); /* nothing new: wait for a kick */
    CHECK(drv_add(&drv, &(struct drv_buf){DATA + 0x3000, 100}, 0, 1, false, 3));
    CHECK(drv_publish(&drv)); /* and there it is */
    CHECK_EQ(vq_room(&q, 1000), 400);
    CHECK_EQ(q.inflight, 0);
    teardown();
}

/* Another life: the driver has forgotten the buffer, the device has not. */
TEST(elements_of_an_older_life_are_only_released)
{
    for (uint32_t f = 0; f < 2; f++) {
        setup((f ? TN_VQ_PACKED : 0) | TN_VQ_IN_ORDER, 4, 0);
        struct vq_elem *old = offer(&(struct drv_buf){DATA, 8}, 0, 1, false);
        vq_stop(&q);
        drv_fini(&drv);
        drv_init(&drv, &as, drv.c.flags, 4, RIG_BASE);
        CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, rig_as(&as), NULL, NULL), 0);
        CHECK_EQ(q.inflight, 0);
        struct vq_elem *el = offer(&(struct drv_buf){DATA, 8}, 0, 1, false);
        vq_push(&q, old, 8);
        CHECK(!vq_publish(&q));
        CHECK_EQ(q.inflight, 1);
        vq_push(&q, el, 8);
        CHECK(vq_publish(&q));
        CHECK_EQ(q.inflight, 0);
        teardown();
    }
}

TEST(a_stopped_queue_does_not_touch_its_rings)
{
    setup(0, 4, 0);
    struct vq_elem *el = offer(&(struct drv_buf){DATA, 8}, 0, 1, false);
    uint8_t before[64], after[64];
    vq_stop(&q);
    CHECK(!vq_running(&q));
    rig_get(&as, drv.c.device, before, sizeof before);
    vq_push(&q, el, 8);
    CHECK(!vq_publish(&q) && !vq_kicks(&q, true) && vq_empty(&q) && !vq_pop(&q));
    rig_get(&as, drv.c.device, after, sizeof after);
    CHECK(!memcmp(before, after, sizeof after));
    teardown();
}

/* 2.7.9, 2.8.8: one entry for a batch of buffers that were used completely */
TEST(in_order_batches_have_one_entry)
{
    for (uint32_t f = 0; f < 2; f++) {
        setup((f ? TN_VQ_PACKED : 0) | TN_VQ_IN_ORDER, 8, 0);
        struct vq_elem *el[4];
        for (uint32_t i = 0; i < 4; i++)
            el[i] = offer(&(struct drv_buf){DATA + 0x1000 * i, 100}, 0, 1, false);
        vq_push(&q, el[2], 100);
        CHECK(!vq_publish(&q)); /* not before the older ones */
        vq_push(&q, el[0], 100);
        vq_push(&q, el[1], 100);
        vq_push(&q, el[3], 60);
        CHECK(vq_publish(&q));
        uint32_t used[8];
        rig_get(&as, f ? drv.c.desc + 8 : drv.c.device + 4, used, sizeof used);
        CHECK_EQ(f ? used[0] : used[1], 60); /* the first place has the last one's length */
        CHECK_EQ(f ? used[4] : used[3], f ? 100 : 0); /* the second was not written */
        uint64_t token;
        uint32_t len;
        for (uint32_t i = 0; i < 4; i++) {
            CHECK(drv_get(&drv, &token, &len));
            CHECK_EQ(len, i < 3 ? 100 : 60);
        }
        CHECK(!drv_get(&drv, &token, &len));
        teardown();
    }
}

TEST(a_mapping_that_is_not_there_yet_is_tried_again)
{
    setup(0, 8, RIG_NO_VIEW);
    struct drv_buf b[] = {{DATA, 10000}, {DATA + 0x10000, 10000}};
    as.map_again = 1;
    CHECK(offer(b, 1, 1, false) == NULL);
    CHECK_EQ(q.again, VQ_AGAIN_MAP);
    CHECK(!q.broken);
    CHECK_EQ(as.mapped, 0);
    struct vq_elem *el = vq_pop(&q);
    CHECK(el != NULL);
    CHECK_EQ(q.again, 0);
    CHECK_EQ(el->nout, 3);
    CHECK_EQ(as.mapped, 6);
    vq_push(&q, el, 5000);
    CHECK_EQ(as.mapped, 0);
    CHECK_EQ(as.mapped_dirty, 5000);
    teardown();
}

/* Every page of a ring that is written is marked, and no other. */
TEST(rings_are_marked_dirty)
{
    for (uint32_t f = 0; f < 2; f++) {
        setup(f ? TN_VQ_PACKED : TN_VQ_EVENT_IDX, 2048, 0);
        vq_stop(&q);
        rig_log(&as, true);
        CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, rig_as(&as), NULL, NULL), 0);
        struct drv_buf b = {DATA, 8};
        uint64_t ring = f ? drv.c.desc : drv.c.device + 4, entry = f ? 16 : 8;
        for (uint32_t i = 0; i < 2048; i++) {
            struct vq_elem *el = offer(&b, 1, 0, false);
            vq_push(&q, el, 0);
            vq_publish(&q);
            CHECK(drv_get(&drv, &(uint64_t){0}, &(uint32_t){0}));
            CHECK(rig_dirty(&as, ring + entry * i));
            CHECK(f || rig_dirty(&as, drv.c.device));
            CHECK(f || !rig_dirty(&as, drv.c.desc));
            CHECK(!rig_dirty(&as, DATA));
            memset(as.dirty, 0, sizeof as.dirty);
        }
        CHECK(!vq_pop(&q));
        CHECK(rig_dirty(&as, f ? drv.c.device : drv.c.device + 4 + 8 * 2048));
        teardown();
    }
}

TEST(bytes_into_and_out_of_pieces)
{
    char a[4] = "abc", b[4] = "def", out[8] = {0};
    struct tn_iov v[] = {{a, 3}, {NULL, 0}, {b, 3}};
    struct tn_iov *at = v;
    CHECK_EQ(vq_read(v, 3, 0, out, 8), 6);
    CHECK(!memcmp(out, "abcdef", 6));
    CHECK_EQ(vq_read(v, 3, 4, out, 8), 2);
    CHECK(!memcmp(out, "ef", 2));
    CHECK_EQ(vq_read(v, 3, 6, out, 8), 0);
    CHECK_EQ(vq_read(v, 3, 1000, out, 8), 0);
    CHECK_EQ(vq_write(v, 3, 2, "XYZ", 2), 2);
    CHECK(!memcmp(a, "abX", 3) && !memcmp(b, "Yef", 3));
    CHECK_EQ(vq_fill(v, 3, 1, '-', 100), 5);
    CHECK(!memcmp(a, "a--", 3) && !memcmp(b, "---", 3));
    CHECK_EQ(vq_skip(&at, 3, 4), 1);
    CHECK(at == v + 2 && at->base == b + 1 && at->len == 2);
    CHECK_EQ(vq_skip(&at, 1, 2), 0);
}

int main(void)
{
    RUN(a_request_makes_its_way_in_every_layout);
    RUN(a_buffer_across_two_regions_is_two_pieces);
    RUN(a_table_across_two_regions_is_read_in_one_piece);
    RUN(a_split_chain_may_end_in_a_table);
    RUN(elements_are_made_once_and_keep_what_the_device_left);
    RUN(what_is_unpopped_comes_again);
    RUN(room_is_counted_and_not_taken);
    RUN(elements_of_an_older_life_are_only_released);
    RUN(a_stopped_queue_does_not_touch_its_rings);
    RUN(in_order_batches_have_one_entry);
    RUN(a_mapping_that_is_not_there_yet_is_tried_again);
    RUN(rings_are_marked_dirty);
    RUN(bytes_into_and_out_of_pieces);
    return tap_done();
}
