/* SPDX-License-Identifier: BSD-2-Clause */
/* Drivers that break the rules: the queue is broken, says why, and nothing else happens. */
#include "tap.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"

enum { SIZE = 8, DATA = RIG_BASE + 0x100000, TABLE = RIG_BASE + 0x200000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 0x80 };

static struct rig as;
static struct vq q;
static struct drv drv;

static void setup(uint32_t flags)
{
    rig_init(&as, 0);
    drv_init(&drv, &as, flags, SIZE, RIG_BASE);
    vq_init(&q, sizeof(struct vq_elem), 4);
    CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, rig_as(&as), NULL, NULL), 0);
}

static void teardown(void)
{
    vq_stop(&q);
    vq_fini(&q);
    drv_fini(&drv);
    rig_fini(&as);
}

static void desc(uint64_t at, uint64_t addr, uint32_t len, uint16_t twelve, uint16_t fourteen)
{
    rig_put(&as, at, &addr, 8);
    rig_put(&as, at + 8, &len, 4);
    rig_put(&as, at + 12, &twelve, 2);
    rig_put(&as, at + 14, &fourteen, 2);
}

/* Split: flags and next; packed: id and flags, with the available bit of the first round. */
static void split(uint32_t i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
    desc(drv.c.desc + 16 * i, addr, len, flags, next);
}

static void packed(uint32_t i, uint64_t addr, uint32_t len, uint16_t id, uint16_t flags)
{
    desc(drv.c.desc + 16 * i, addr, len, id, flags | AVAIL);
}

static void offer(uint16_t head)
{
    uint16_t idx;
    rig_get(&as, drv.c.driver + 2, &idx, 2);
    rig_put(&as, drv.c.driver + 4 + 2 * (idx % SIZE), &head, 2);
    idx++;
    rig_put(&as, drv.c.driver + 2, &idx, 2);
}

/* Broken for this reason, and dead. */
static void broken(const char *why)
{
    uint8_t before[256], after[256];
    CHECK(vq_pop(&q) == NULL);
    CHECK_STR(q.broken, why);
    CHECK_EQ(q.inflight, 0);
    rig_get(&as, drv.c.device, before, 64);
    CHECK(vq_pop(&q) == NULL);
    CHECK(!vq_publish(&q));
    CHECK(vq_empty(&q));
    CHECK(!vq_kicks(&q, true));
    CHECK_EQ(vq_room(&q, 1), 0);
    rig_get(&as, drv.c.device, after, 64);
    CHECK(!memcmp(before, after, 64));
    teardown();
}

/* ---- split ---- */

TEST(split_head_beyond_the_table)
{
    setup(0);
    offer(SIZE);
    broken("a head beyond the descriptor table (2.7.6)");
}

TEST(split_index_jumps)
{
    setup(0);
    rig_put(&as, drv.c.driver + 2, &(uint16_t){SIZE + 1}, 2);
    broken("the available index jumps further than the queue is long (2.7.6)");
}

TEST(split_index_goes_back)
{
    setup(0);
    rig_put(&as, drv.c.driver + 2, &(uint16_t){0xffff}, 2);
    broken("the available index jumps further than the queue is long (2.7.6)");
}

TEST(split_next_beyond_the_table)
{
    setup(0);
    split(0, DATA, 4, NEXT, SIZE);
    offer(0);
    broken("a next index beyond the table (2.7.5)");
}

TEST(split_loop)
{
    setup(0);
    split(0, DATA, 4, NEXT, 1);
    split(1, DATA, 4, NEXT, 0);
    offer(0);
    broken("a chain longer than the queue (2.7.5)");
}

TEST(split_empty_loop)
{
    setup(0);
    split(3, DATA, 0, NEXT, 3);
    offer(3);
    broken("a chain longer than the queue (2.7.5)");
}

TEST(split_readable_behind_writable)
{
    setup(0);
    split(0, DATA, 4, WRITE | NEXT, 1);
    split(1, DATA, 4, 0, 0);
    offer(0);
    broken("a buffer to read behind one to write (2.7.4.2)");
}

TEST(split_head_offered_again_and_again)
{
    setup(0);
    struct vq_elem *el[SIZE];
    for (uint32_t i = 0; i < SIZE; i++) {
        split(i, DATA, 4, 0, 0);
        offer(3);
        el[i] = vq_pop(&q);
        CHECK(el[i] != NULL);
    }
    offer(3);
    CHECK(vq_pop(&q) == NULL);
    CHECK_STR(q.broken, "more descriptors in use than the queue has");
    for (uint32_t i = 0; i < SIZE; i++)
        vq_push(&q, el[i], 0);
    CHECK_EQ(q.inflight, 0);
    CHECK(!vq_publish(&q));
    teardown();
}

/* Twice 3 GiB, which nobody touches. */
TEST(split_total_length_overflows)
{
    const uint64_t far = (uint64_t)1 << 40;
    setup(0);
    as.ram[1] = (struct tn_ram){far, (uint64_t)1 << 32, as.half[1], TN_DMA_READ, TN_MEM_RAM};
    split(0, far, 3u << 30, NEXT, 1);
    split(1, far, 3u << 30, 0, 0);
    offer(0);
    broken("a chain of more than 2^32 bytes (2.7.5.2)");
}

TEST(split_indirect_not_negotiated)
{
    setup(0);
    split(0, TABLE, 16, INDIRECT, 0);
    offer(0);
    broken("an indirect descriptor that was not negotiated (2.7.5.3.1)");
}

TEST(split_indirect_and_next)
{
    setup(TN_VQ_INDIRECT);
    split(0, TABLE, 16, INDIRECT | NEXT, 1);
    offer(0);
    broken("a descriptor that is both indirect and chained on (2.7.5.3.1)");
}

TEST(split_indirect_of_length_0)
{
    setup(TN_VQ_INDIRECT);
    split(0, TABLE, 0, INDIRECT, 0);
    offer(0);
    broken("an indirect table of no whole number of descriptors (2.7.5.3.2)");
}

TEST(split_indirect_of_half_a_descriptor)
{
    setup(TN_VQ_INDIRECT);
    split(0, TABLE, 24, INDIRECT, 0);
    offer(0);
    broken("an indirect table of no whole number of descriptors (2.7.5.3.2)");
}

TEST(split_indirect_too_long)
{
    setup(TN_VQ_INDIRECT);
    split(0, TABLE, 16 * 1025, INDIRECT, 0);
    offer(0);
    broken("an indirect table that is too long (2.7.5.3.1)");
}

TEST(split_indirect_nowhere)
{
    setup(TN_VQ_INDIRECT);
    split(0, RIG_END - 16, 32, INDIRECT, 0);
    offer(0);
    broken("an indirect table that is not in memory (2.7.5.3)");
}

TEST(split_indirect_in_indirect)
{
    setup(TN_VQ_INDIRECT);
    split(0, TABLE, 32, INDIRECT, 0);
    desc(TABLE, DATA, 4, NEXT, 1);
    desc(TABLE + 16, TABLE, 32, INDIRECT, 0);
    offer(0);
    broken("an indirect table within another (2.7.5.3.1)");
}

TEST(split_indirect_loop)
{
    setup(TN_VQ_INDIRECT);
    split(0, TABLE, 32, INDIRECT, 0);
    desc(TABLE, DATA, 4, NEXT, 1);
    desc(TABLE + 16, DATA, 4, NEXT, 0);
    offer(0);
    broken("a chain longer than the queue (2.7.5)");
}

TEST(split_indirect_next_beyond_its_table)
{
    setup(TN_VQ_INDIRECT);
    split(0, TABLE, 32, INDIRECT, 0);
    desc(TABLE, DATA, 4, NEXT, 2);
    offer(0);
    broken("a next index beyond the table (2.7.5)");
}

TEST(split_writable_then_a_readable_table)
{
    setup(TN_VQ_INDIRECT);
    split(0, DATA, 4, WRITE | NEXT, 1);
    split(1, TABLE, 16, INDIRECT, 0);
    desc(TABLE, DATA, 4, 0, 0);
    offer(0);
    broken("a buffer to read behind one to write (2.7.4.2)");
}

/* ---- packed ---- */

TEST(packed_chain_longer_than_the_queue)
{
    setup(TN_VQ_PACKED);
    for (uint32_t i = 0; i < SIZE; i++)
        packed(i, DATA, 4, 0, NEXT);
    broken("a chain longer than the queue (2.8.17)");
}

TEST(packed_readable_behind_writable)
{
    setup(TN_VQ_PACKED);
    packed(1, DATA, 4, 0, 0);
    packed(0, DATA, 4, 0, WRITE | NEXT);
    broken("a buffer to read behind one to write (2.7.4.2)");
}

TEST(packed_indirect_in_a_chain)
{
    setup(TN_VQ_PACKED | TN_VQ_INDIRECT);
    packed(1, TABLE, 16, 0, INDIRECT);
    packed(0, DATA, 4, 0, NEXT);
    broken("an indirect descriptor in a chain (2.8.19)");
}

TEST(packed_indirect_and_next)
{
    setup(TN_VQ_PACKED | TN_VQ_INDIRECT);
    packed(0, TABLE, 16, 0, INDIRECT | NEXT);
    broken("an indirect descriptor in a chain (2.8.19)");
}

TEST(packed_indirect_not_negotiated)
{
    setup(TN_VQ_PACKED);
    packed(0, TABLE, 16, 0, INDIRECT);
    broken("an indirect descriptor that was not negotiated (2.8.19)");
}

TEST(packed_indirect_of_bad_length)
{
    static const uint32_t bad[] = {0, 1, 15, 17, 0xffffffff};
    for (uint32_t i = 0; i < 5; i++) {
        setup(TN_VQ_PACKED | TN_VQ_INDIRECT);
        packed(0, TABLE, bad[i], 0, INDIRECT);
        broken("an indirect table of no whole number of descriptors (2.8.7)");
    }
}

TEST(packed_indirect_too_long)
{
    setup(TN_VQ_PACKED | TN_VQ_INDIRECT);
    packed(0, TABLE, 0xfffffff0, 0, INDIRECT);
    broken("an indirect table that is too long (2.8.19)");
}

TEST(packed_table_ignores_all_flags_but_write)
{
    setup(TN_VQ_PACKED | TN_VQ_INDIRECT);
    desc(TABLE, DATA, 4, 0xffff, 0xffff & ~WRITE);
    desc(TABLE + 16, DATA, 8, 0xffff, 0xffff);
    packed(0, TABLE, 32, 5, INDIRECT | WRITE);
    struct vq_elem *el = vq_pop(&q);
    CHECK(el != NULL);
    CHECK_EQ(el->out_len, 4);
    CHECK_EQ(el->in_len, 8);
    vq_push(&q, el, 0);
    teardown();
}

TEST(packed_id_is_the_drivers_business)
{
    setup(TN_VQ_PACKED);
    packed(0, DATA, 4, 0xfffe, 0);
    struct vq_elem *el = vq_pop(&q);
    CHECK(el != NULL);
    vq_push(&q, el, 0);
    vq_publish(&q);
    uint16_t id;
    rig_get(&as, drv.c.desc + 12, &id, 2);
    CHECK_EQ(id, 0xfffe);
    CHECK(q.broken == NULL);
    teardown();
}

TEST(packed_head_offered_again_and_again)
{
    setup(TN_VQ_PACKED);
    struct vq_elem *el[2 * SIZE];
    uint32_t n = 0;
    for (uint32_t round = 0; round < 2 && !q.broken; round++)
        for (uint32_t i = 0; i < SIZE && !q.broken; i++) {
            desc(drv.c.desc + 16 * i, DATA, 4, 0, round ? 0x8000 : AVAIL);
            if ((el[n] = vq_pop(&q)))
                n++;
        }
    CHECK_EQ(n, SIZE);
    CHECK_STR(q.broken, "more descriptors in use than the queue has");
    while (n--)
        vq_drop(&q, el[n]);
    CHECK_EQ(q.inflight, 0);
    teardown();
}

/* ---- addresses ---- */

static void nowhere(uint64_t addr, uint32_t len)
{
    for (uint32_t f = 0; f < 2; f++) {
        setup(f ? TN_VQ_PACKED : 0);
        if (f) {
            packed(0, addr, len, 0, WRITE);
        } else {
            split(0, addr, len, WRITE, 0);
            offer(0);
        }
        broken("a buffer that is not in memory");
    }
}

TEST(buffers_outside_of_memory)
{
    nowhere(0, 1);
    nowhere(RIG_BASE - 1, 2);
    nowhere(RIG_END, 1);
    nowhere(RIG_END - 1, 2);
    nowhere(~(uint64_t)0, 1);
    nowhere(~(uint64_t)0 - 3, 0xffffffff);
    nowhere(RIG_BASE, 0xffffffff);
}

TEST(buffers_to_write_in_memory_that_is_not)
{
    setup(0);
    as.ram[0].prot = TN_DMA_READ;
    split(0, DATA, 4, WRITE, 0);
    offer(0);
    broken("a buffer that is not in memory");
    setup(0);
    as.ram[1].prot = TN_DMA_READ;
    split(0, RIG_EDGE - 4, 8, WRITE, 0);
    offer(0);
    broken("a buffer that is not in memory");
}

TEST(buffers_of_length_0_are_legal_anywhere)
{
    for (uint32_t f = 0; f < 2; f++) {
        setup(f ? TN_VQ_PACKED : 0);
        if (f) {
            packed(0, 0, 0, 0, 0);
        } else {
            split(0, 0, 0, 0, 0);
            offer(0);
        }
        struct vq_elem *el = vq_pop(&q);
        CHECK(el != NULL);
        CHECK_EQ(el->nout + el->nin, 0);
        vq_push(&q, el, 0);
        CHECK(vq_publish(&q));
        teardown();
    }
}

/* ---- queues ---- */

static int start(uint32_t flags, uint32_t size, uint64_t desc_at, uint64_t driver, uint64_t device)
{
    struct tn_vq c = {
        .flags = flags, .size = size, .desc = desc_at, .driver = driver, .device = device};
    vq_init(&q, sizeof(struct vq_elem), 1);
    rig_init(&as, 0);
    int r = vq_start(&q, &c, &rig_dma, rig_as(&as), NULL, NULL);
    CHECK((r < 0) == (q.broken != NULL));
    vq_stop(&q);
    vq_fini(&q);
    rig_fini(&as);
    return r;
}

TEST(queue_sizes_and_alignment)
{
    const uint64_t b = RIG_BASE;
    CHECK_EQ(start(0, 0, b, b, b), -22);
    CHECK_EQ(start(0, 3, b, b, b), -22);
    CHECK_EQ(start(0, 65536, b, b, b), -22);
    CHECK_EQ(start(0, 32768, b, b, b), 0);
    CHECK_EQ(start(0, 1, b, b, b), 0);
    CHECK_EQ(start(TN_VQ_PACKED, 0, b, b, b), -22);
    CHECK_EQ(start(TN_VQ_PACKED, 3, b, b, b), 0);
    CHECK_EQ(start(TN_VQ_PACKED, 32769, b, b, b), -22);
    CHECK_EQ(start(0, 8, b + 8, b, b), -22);
    CHECK_EQ(start(0, 8, b, b + 1, b), -22);
    CHECK_EQ(start(0, 8, b, b + 2, b), 0);
    CHECK_EQ(start(0, 8, b, b, b + 2), -22);
    CHECK_EQ(start(TN_VQ_PACKED, 8, b, b + 2, b), -22);
    CHECK_EQ(start(TN_VQ_BE, 8, b, b, b), -22);
}

TEST(rings_outside_of_memory_break_at_first_use)
{
    for (uint32_t f = 0; f < 4; f++) {
        setup(f & 1 ? TN_VQ_PACKED : 0);
        struct tn_vq c = drv.c;
        if (f & 2)
            c.desc = RIG_END;
        else
            c.device = RIG_END - 4;
        if (f & 1 && !(f & 2))
            c.device = RIG_END;
        vq_stop(&q);
        CHECK_EQ(vq_start(&q, &c, &rig_dma, rig_as(&as), NULL, NULL), 0);
        if (f & 1) {
            packed(0, DATA, 4, 0, 0);
        } else {
            split(0, DATA, 4, 0, 0);
            offer(0);
        }
        struct vq_elem *el = vq_pop(&q);
        if (el)
            vq_push(&q, el, 0);
        vq_publish(&q);
        vq_kicks(&q, false);
        CHECK_STR(q.broken, "a ring that is not in memory (2.7, 2.8)");
        teardown();
    }
}

TEST(saved_places_that_cannot_be)
{
    static const struct vq_place bad[] = {{9, 0}, {0, 1}, {8, 0x8000}, {0x8000, 0x8008}};
    for (uint32_t i = 0; i < 4; i++) {
        setup(i < 2 ? 0 : TN_VQ_PACKED);
        struct tn_vq c = drv.c;
        c.flags |= TN_VQ_RESTORE;
        vq_stop(&q);
        CHECK_EQ(vq_start(&q, &c, &rig_dma, rig_as(&as), NULL, &bad[i]), -22);
        CHECK(q.broken != NULL);
        CHECK(!vq_running(&q));
        teardown();
    }
}

/* A guest that has each element in a table of many entries: what it costs is bounded. */
TEST(memory_for_long_chains_is_bounded)
{
    setup(TN_VQ_INDIRECT);
    struct vq_elem *el[SIZE];
    for (uint32_t round = 0; round < 300; round++) {
        for (uint32_t i = 0; i < SIZE; i++) {
            split(i, TABLE, 16 * 1024, INDIRECT, 0);
            offer((uint16_t)i);
        }
        for (uint32_t i = 0; i < 1024; i++)
            desc(TABLE + 16 * i, DATA + i, 1, i < 1023 ? NEXT : 0, (uint16_t)(i + 1));
        for (uint32_t i = 0; i < SIZE; i++) {
            CHECK((el[i] = vq_pop(&q)) != NULL);
            CHECK_EQ(el[i]->nout, 1024);
        }
        CHECK(q.extra <= 1 << 20);
        for (uint32_t i = 0; i < SIZE; i++)
            vq_push(&q, el[i], 0);
        vq_publish(&q);
    }
    CHECK(q.extra <= 1 << 16);
    teardown();
}

/* Copies behind an IOMMU that cannot map: what does not fit waits for what is in flight. */
TEST(memory_for_copies_is_bounded)
{
    rig_init(&as, RIG_NO_VIEW | RIG_NO_MAP);
    drv_init(&drv, &as, 0, SIZE, RIG_BASE);
    vq_init(&q, sizeof(struct vq_elem), 4);
    CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, rig_as(&as), NULL, NULL), 0);
    struct vq_elem *el[SIZE];
    uint32_t n = 0;
    for (uint32_t i = 0; i < SIZE; i++) {
        split(i, DATA, 6 << 20, WRITE, 0);
        offer((uint16_t)i);
    }
    while ((el[n] = vq_pop(&q)))
        n++;
    CHECK_EQ(n, 5);
    CHECK_EQ(q.again, VQ_AGAIN_ROOM);
    CHECK(q.broken == NULL);
    vq_push(&q, el[0], 0);
    CHECK((el[0] = vq_pop(&q)) != NULL);
    while (n--)
        vq_push(&q, el[n], 0);
    CHECK_EQ(q.bounced, 0);
    teardown();
}

int main(void)
{
    RUN(split_head_beyond_the_table);
    RUN(split_index_jumps);
    RUN(split_index_goes_back);
    RUN(split_next_beyond_the_table);
    RUN(split_loop);
    RUN(split_empty_loop);
    RUN(split_readable_behind_writable);
    RUN(split_head_offered_again_and_again);
    RUN(split_total_length_overflows);
    RUN(split_indirect_not_negotiated);
    RUN(split_indirect_and_next);
    RUN(split_indirect_of_length_0);
    RUN(split_indirect_of_half_a_descriptor);
    RUN(split_indirect_too_long);
    RUN(split_indirect_nowhere);
    RUN(split_indirect_in_indirect);
    RUN(split_indirect_loop);
    RUN(split_indirect_next_beyond_its_table);
    RUN(split_writable_then_a_readable_table);
    RUN(packed_chain_longer_than_the_queue);
    RUN(packed_readable_behind_writable);
    RUN(packed_indirect_in_a_chain);
    RUN(packed_indirect_and_next);
    RUN(packed_indirect_not_negotiated);
    RUN(packed_indirect_of_bad_length);
    RUN(packed_indirect_too_long);
    RUN(packed_table_ignores_all_flags_but_write);
    RUN(packed_id_is_the_drivers_business);
    RUN(packed_head_offered_again_and_again);
    RUN(buffers_outside_of_memory);
    RUN(buffers_to_write_in_memory_that_is_not);
    RUN(buffers_of_length_0_are_legal_anywhere);
    RUN(queue_sizes_and_alignment);
    RUN(rings_outside_of_memory_break_at_first_use);
    RUN(saved_places_that_cannot_be);
    RUN(memory_for_long_chains_is_bounded);
    RUN(memory_for_copies_is_bounded);
    return tap_done();
}
