/* SPDX-License-Identifier: BSD-2-Clause */
/* Drivers that point nowhere, and queues that cannot be: broken, with the reason, and nothing else
 * happens. */
#include "vq_hostile.h"

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
