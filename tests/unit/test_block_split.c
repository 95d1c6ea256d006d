/* SPDX-License-Identifier: BSD-2-Clause */
/* Between a front end and a back end: requests that are cut, copied, flushed and turned into
 * others. */
#include "block_disk.h"

/* ---- split, copied, read and written back ---- */

TEST(what_is_too_long_or_too_scattered_comes_in_pieces)
{
    struct disk *d = disk_on("size=1M,max-transfer=4096,max-iov=2");
    struct mem *m = mem_of("d0");
    struct tn_iov v[8];
    fill(page, 8 * 1024);
    for (uint32_t i = 0; i < 8; i++)
        v[i] = (struct tn_iov){page + i * 1024, 1024};
    CHECK_EQ(ask_iov(d, TN_BLK_WRITE, 512, 8192, v, 8, 0), 0);
    CHECK_EQ(m->n, 4);
    CHECK_EQ(m->bad, 0);
    CHECK(memcmp(m->data + 512, page, 8192) == 0);
    CHECK_EQ(ask(d, TN_BLK_READ, 512, page + 32768, 8192, 0), 0);
    CHECK(memcmp(page, page + 32768, 8192) == 0);
    CHECK_EQ(m->bad, 0);
}

TEST(a_buffer_that_is_not_aligned_is_copied)
{
    struct disk *d = disk_on("size=1M,mem-align=4096");
    struct mem *m = mem_of("d0");
    fill(page, 65536);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 1024, page + 3, 5120, 0), 0);
    CHECK(memcmp(m->data + 1024, page + 3, 5120) == 0);
    CHECK_EQ(ask(d, TN_BLK_READ, 1024, page + 65537, 5120, 0), 0);
    CHECK(memcmp(page + 65537, page + 3, 5120) == 0);
    CHECK_EQ(m->bad, 0);
}

TEST(half_a_block_is_read_changed_and_written_back)
{
    struct disk *d = disk_on("size=1M,logical=4096");
    struct mem *m = mem_of("d0");
    fill(m->data, 1 << 16);
    fill(page, 4096);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 1024, page, 512, 0), 0);
    CHECK_EQ(m->n, 2);
    CHECK_EQ(m->log[0].op, TN_BLK_READ);
    CHECK_EQ(m->log[1].len, 4096);
    CHECK(memcmp(m->data + 1024, page, 512) == 0);
    CHECK_EQ(m->bad, 0);
}

struct shadow {
    struct disk *d;
    uint8_t want[1 << 18];
};

/* Writes, zeroes and reads of random sectors into random buffers, against what must be there. */
static int random_traffic(struct shadow *s, uint32_t rounds)
{
    static uint8_t buf[1 << 17];
    for (uint32_t i = 0; i < rounds; i++) {
        uint32_t op = 1 + rnd(3), len = 512 * (1 + rnd(rnd(8) ? 24 : 150));
        uint32_t off = 512 * rnd((sizeof s->want - len) / 512 + 1), n = 1 + rnd(4);
        struct tn_iov v[4];
        uint8_t *at = buf + rnd(64);
        uint64_t left = len;
        for (uint32_t k = 0; k < n; k++) {
            uint64_t part = k + 1 == n ? left : rnd((uint32_t)left + 1);
            v[k] = (struct tn_iov){at, part};
            at += part + rnd(100);
            left -= part;
        }
        op = op == 3 ? TN_BLK_WRITE_ZEROES : op;
        if (op == TN_BLK_WRITE)
            fill(buf, 512);
        uint32_t flags = op == TN_BLK_READ ? 0 : rnd(4);
        int r = ask_iov(s->d, op, off, len, v, op > TN_BLK_WRITE ? 0 : n, flags);
        if (r)
            return r;
        uint8_t *want = s->want + off;
        for (uint32_t k = 0; k < n; want += v[k++].len)
            if (op == TN_BLK_WRITE)
                memcpy(want, v[k].base, v[k].len);
            else if (op == TN_BLK_READ && memcmp(want, v[k].base, v[k].len) != 0)
                return -EILSEQ;
        if (op == TN_BLK_WRITE_ZEROES)
            memset(s->want + off, 0, len);
    }
    return 0;
}

TEST(random_requests_find_what_was_written_whatever_the_back_end_wants)
{
    static const char *const kinds[] = {
        "size=256k",
        "size=256k,logical=1",
        "size=256k,logical=4096,mem-align=4096",
        "size=256k,logical=4096,mem-align=512,max-transfer=8192",
        "size=256k,logical=1024,mem-align=4096,max-iov=1",
        "size=256k,logical=512,mem-align=4096,max-iov=1,slots=1,flags=0",
        "size=256k,max-transfer=512,flags=0",
        "size=256k,detect-zeroes=on",
        "size=256k,logical=4096,detect-zeroes=unmap,discard=unmap,cache=writethrough",
        "size=256k,logical=2048,flags=128,cache=directsync",
    };
    static struct shadow s;
    for (uint32_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        memset(&s, 0, sizeof s);
        s.d = disk_on(kinds[k]);
        CHECK(s.d);
        CHECK_EQ(random_traffic(&s, 300), 0);
        CHECK_EQ(mem_of("d0")->bad, 0);
        CHECK(memcmp(mem_of("d0")->data, s.want, sizeof s.want) == 0);
    }
}

TEST(a_filter_of_a_plugin_stands_on_a_node_as_a_front_end)
{
    static struct shadow s;
    struct vm *vm = block_vm();
    ERR_AUTO e = {0};
    CHECK_EQ(add_blockdev("mem,node-name=m,size=256k,logical=4096,slots=2"), 0);
    CHECK_EQ(add_blockdev("pass,node-name=p,file=m"), 0);
    CHECK(add_blockdev("raw,node-name=r,file=m") < 0);
    memset(&s, 0, sizeof s);
    s.d = add_disk("drive=p");
    CHECK(s.d);
    CHECK_EQ(random_traffic(&s, 200), 0);
    CHECK_EQ(mem_of("m")->bad, 0);
    CHECK_EQ(block_resize(vm, "m", 1 << 17, &e), 0);
    fixture_until(vm, &s.d->resized);
    struct tn_blk_info i = {.struct_size = sizeof i};
    s.d->block->info(s.d->drive, &i);
    CHECK_EQ(i.size, 1 << 17);
}

TEST(neighbours_in_one_block_do_not_lose_each_others_writes)
{
    struct disk *d = disk_on("size=64k,logical=4096");
    struct mem *m = mem_of("d0");
    struct asked a[64];
    struct tn_iov v[64];
    fill(page, 64 * 512);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t at = i * 37 % 64;
        v[i] = (struct tn_iov){page + at * 512, 512};
        CHECK_EQ(ask_start(d, &a[i], TN_BLK_WRITE, at * 512, 512, &v[i], 1, 0), 0);
    }
    for (uint32_t i = 0; i < 64; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
    CHECK(memcmp(m->data, page, 64 * 512) == 0);
    CHECK_EQ(m->bad, 0);
}

TEST(an_error_of_any_step_ends_the_request_and_frees_its_blocks)
{
    struct disk *d = disk_on("size=64k,logical=4096,cache=writethrough");
    struct mem *m = mem_of("d0");
    static const uint32_t ops[] = {TN_BLK_READ, TN_BLK_READ, TN_BLK_WRITE, TN_BLK_FLUSH};
    for (uint32_t i = 0; i < 4; i++) {
        m->fail_op = ops[i];
        m->fail_after = i == 1;
        m->fail_err = -EIO;
        CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 8192, 0), (uint64_t)-EIO);
        CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 8192, 0), 0);
    }
}

/* ---- flush and FUA ---- */

TEST(fua_is_a_flush_after_the_write_where_the_back_end_has_none)
{
    struct disk *d = disk_on("size=1M");
    struct mem *m = mem_of("d0");
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, TN_BLKR_FUA), 0);
    CHECK_EQ(m->n, 2);
    CHECK_EQ(m->log[0].flags, 0);
    CHECK_EQ(m->log[1].op, TN_BLK_FLUSH);
    d = disk_on("size=1M,flags=130");
    m = mem_of("d0");
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, TN_BLKR_FUA), 0);
    CHECK_EQ(m->n, 1);
    CHECK_EQ(m->log[0].flags, TN_BLKR_FUA);
}

TEST(with_the_write_cache_off_every_write_is_on_the_disk)
{
    struct disk *d = disk_on("size=1M,cache=writethrough");
    struct mem *m = mem_of("d0");
    struct tn_blk_info i = {.struct_size = sizeof i};
    d->block->info(d->drive, &i);
    CHECK_EQ(i.flags & TN_BLKF_WRITE_CACHE, 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, 0), 0);
    CHECK_EQ(mem_count(m, TN_BLK_FLUSH), 1);
    CHECK_EQ(d->block->write_cache(d->drive, 1), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, 0), 0);
    CHECK_EQ(mem_count(m, TN_BLK_FLUSH), 1);
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    CHECK_EQ(mem_count(m, TN_BLK_FLUSH), 2);
}

TEST(cache_unsafe_flushes_never)
{
    struct disk *d = disk_on("size=1M,cache=unsafe");
    struct mem *m = mem_of("d0");
    CHECK_EQ(m->open.no_flush, 1);
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, TN_BLKR_FUA), 0);
    CHECK_EQ(mem_count(m, TN_BLK_FLUSH), 0);
}

/* ---- zeroes and discard ---- */

TEST(zeroes_are_written_where_the_back_end_cannot_make_them)
{
    struct disk *d = disk_on("size=1M");
    struct mem *m = mem_of("d0");
    memset(m->data, 0xff, 1 << 20);
    m->fail_op = TN_BLK_WRITE_ZEROES;
    m->fail_err = -ENOTSUP;
    CHECK_EQ(ask(d, TN_BLK_WRITE_ZEROES, 512, NULL, 700 * 512, 0), 0);
    CHECK_EQ(mem_count(m, TN_BLK_WRITE_ZEROES), 1);
    CHECK_EQ(m->data[511], 0xff);
    for (uint32_t i = 512; i < 701 * 512; i++)
        CHECK_EQ(m->data[i], 0);
    CHECK_EQ(m->data[701 * 512], 0xff);
    CHECK_EQ(ask(d, TN_BLK_WRITE_ZEROES, 0, NULL, 512, 0), 0);
    CHECK_EQ(mem_count(m, TN_BLK_WRITE_ZEROES), 1); /* it was told once */
    CHECK_EQ(m->bad, 0);
}

TEST(unmap_is_for_drives_that_may_discard)
{
    struct disk *d = disk_on("size=1M");
    CHECK_EQ(ask(d, TN_BLK_WRITE_ZEROES, 0, NULL, 4096, TN_BLKR_UNMAP), 0);
    CHECK_EQ(mem_of("d0")->log[0].flags, 0);
    d = disk_on("size=1M,discard=unmap");
    CHECK_EQ(ask(d, TN_BLK_WRITE_ZEROES, 0, NULL, 4096, TN_BLKR_UNMAP), 0);
    CHECK_EQ(mem_of("d0")->log[0].flags, TN_BLKR_UNMAP);
}

TEST(detect_zeroes_turns_writes_of_nothing_into_holes)
{
    struct disk *d = disk_on("size=1M,detect-zeroes=unmap,discard=on");
    struct mem *m = mem_of("d0");
    memset(page, 0, 8192);
    memset(m->data, 0xff, 8192);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 8192, 0), 0);
    CHECK_EQ(m->log[0].op, TN_BLK_WRITE_ZEROES);
    CHECK_EQ(m->log[0].flags, TN_BLKR_UNMAP);
    CHECK(memcmp(m->data, page, 8192) == 0);
    for (uint32_t at = 0; at < 512; at += 7) { /* one byte anywhere is data */
        page[at] = 1;
        CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, 0), 0);
        CHECK_EQ(m->log[m->n - 1].op, TN_BLK_WRITE);
        page[at] = 0;
    }
}

TEST(discard_needs_leave_and_whole_units)
{
    struct disk *d = disk_on("size=1M,discard-align=4096");
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, 8192, 0), 0);
    CHECK_EQ(mem_of("d0")->n, 0);
    d = disk_on("size=1M,discard=unmap,discard-align=4096,max-discard=9000");
    struct mem *m = mem_of("d0");
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 512, NULL, 28672, 0), 0);
    CHECK_EQ(m->n, 3);
    CHECK_EQ(m->log[0].off, 4096);
    CHECK_EQ(m->log[0].len, 8192);
    CHECK_EQ(m->log[2].off + m->log[2].len, 28672);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 512, NULL, 4096, 0), 0); /* holds no whole one */
    CHECK_EQ(m->n, 3);
    m->fail_op = TN_BLK_DISCARD;
    m->fail_err = -ENOTSUP;
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, 4096, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, 4096, 0), 0);
    CHECK_EQ(m->n, 4);
    CHECK_EQ(ask(d, TN_BLK_SECURE_ERASE, 0, NULL, 4096, 0), (uint64_t)-ENOTSUP);
}

int main(void)
{
    RUN(what_is_too_long_or_too_scattered_comes_in_pieces);
    RUN(a_buffer_that_is_not_aligned_is_copied);
    RUN(half_a_block_is_read_changed_and_written_back);
    RUN(random_requests_find_what_was_written_whatever_the_back_end_wants);
    RUN(a_filter_of_a_plugin_stands_on_a_node_as_a_front_end);
    RUN(neighbours_in_one_block_do_not_lose_each_others_writes);
    RUN(an_error_of_any_step_ends_the_request_and_frees_its_blocks);
    RUN(fua_is_a_flush_after_the_write_where_the_back_end_has_none);
    RUN(with_the_write_cache_off_every_write_is_on_the_disk);
    RUN(cache_unsafe_flushes_never);
    RUN(zeroes_are_written_where_the_back_end_cannot_make_them);
    RUN(unmap_is_for_drives_that_may_discard);
    RUN(detect_zeroes_turns_writes_of_nothing_into_holes);
    RUN(discard_needs_leave_and_whole_units);
    block_vm_end();
    return tap_done();
}
