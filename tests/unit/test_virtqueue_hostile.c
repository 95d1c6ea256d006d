/* SPDX-License-Identifier: BSD-2-Clause */
/* Drivers that break the rules of descriptors: the queue is broken, says why, and nothing else
 * happens. */
#include "vq_hostile.h"

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
    return tap_done();
}
