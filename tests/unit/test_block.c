/* SPDX-License-Identifier: BSD-2-Clause */
/* Between a front end and a back end: the straight way, and every way around. */
#include "block_mem.h"
#include "tap.h"

#include "backend/block_range.h"
#include "vm/run.h"
#include <errno.h>
#include <unistd.h>

static uint8_t page[1 << 20] __attribute__((aligned(4096)));

static void fill(uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        p[i] = (uint8_t)rnd(256);
}

/* A drive "d0" of these options on memory, with a disk on it. */
static struct disk *disk_on(const char *options)
{
    char text[512];
    block_vm();
    snprintf(text, sizeof text, "driver=mem,if=none,id=d0,%s", options);
    return add_drive(text) == 0 ? add_disk("drive=d0") : NULL;
}

/* ---- straight ---- */

TEST(an_aligned_request_reaches_the_back_end_as_it_is)
{
    struct disk *d = disk_on("size=1M");
    CHECK(d);
    struct mem *m = mem_of("d0");
    struct tn_iov v[2] = {{page, 512}, {page + 8192, 1024}};
    fill(page, 1 << 14);
    CHECK_EQ(ask_iov(d, TN_BLK_WRITE, 4096, 1536, v, 2, 0), 0);
    CHECK_EQ(m->n, 1);
    CHECK(m->log[0].iov == v && m->log[0].niov == 2);
    CHECK_EQ(m->log[0].off, 4096);
    CHECK_EQ(m->log[0].len, 1536);
    CHECK(memcmp(m->data + 4096, page, 512) == 0);
    CHECK(memcmp(m->data + 4608, page + 8192, 1024) == 0);
    CHECK_EQ(m->bad, 0);
}

TEST(raw_without_a_window_is_left_out_of_the_way)
{
    block_vm();
    CHECK_EQ(add_blockdev("mem,node-name=m"), 0);
    CHECK_EQ(add_blockdev("raw,node-name=r,file=m"), 0);
    struct disk *d = add_disk("drive=r");
    CHECK(d);
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_iov(d, TN_BLK_READ, 512, 512, &v, 1, 0), 0);
    CHECK(mem_of("r")->log[0].iov == &v);
}

TEST(raw_with_offset_and_size_shows_a_window)
{
    block_vm();
    CHECK_EQ(add_blockdev("raw,node-name=r,offset=8192,size=4096,file.driver=mem"), 0);
    struct disk *d = add_disk("drive=r");
    CHECK(d);
    struct tn_blk_info i = {.struct_size = sizeof i};
    CHECK_EQ(d->block->info(d->drive, &i), 0);
    CHECK_EQ(i.size, 4096);
    page[0] = 7;
    CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 512, 0), 0);
    CHECK_EQ(mem_of("r")->data[8704], 7);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 3584, page, 1024, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
}

TEST(what_lies_beyond_the_end_is_refused_without_the_back_end)
{
    struct disk *d = disk_on("size=1M");
    CHECK_EQ(ask(d, TN_BLK_READ, 1 << 20, page, 512, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_READ, (1 << 20) - 512, page, 1024, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_WRITE, ~(uint64_t)511, page, 1024, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 1 << 20, NULL, 512, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_WRITE_ZEROES, 512, NULL, ~(uint64_t)511, 0), (uint64_t)-EIO);
    CHECK_EQ(mem_of("d0")->n, 0);
    struct block_stats s;
    block_stats(blk("d0"), &s);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].invalid, 2);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].failed, 2);
}

TEST(buffers_that_are_not_as_long_as_the_request_are_refused)
{
    struct disk *d = disk_on("size=1M");
    struct tn_iov v = {page, 512};
    struct asked a;
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 1024, &v, 1, 0), (uint64_t)-EINVAL);
    CHECK_EQ(ask_start(d, &a, TN_BLK_WRITE, 0, 256, &v, 1, 0), (uint64_t)-EINVAL);
    CHECK_EQ(ask_start(d, &a, 0, 0, 512, &v, 1, 0), (uint64_t)-EINVAL);
    CHECK_EQ(ask_start(d, &a, 7, 0, 512, &v, 1, 0), (uint64_t)-EINVAL);
}

TEST(a_read_only_drive_takes_no_write)
{
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0,readonly=on"), 0);
    CHECK(!add_disk("drive=d0"));
    CHECK(strstr(fixture_error, "read-only"));
    struct disk *d = add_disk("drive=d0,flags=0");
    CHECK(d);
    CHECK_EQ(mem_of("d0")->open.read_only, 1);
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, 0), (uint64_t)-EPERM);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, 512, 0), (uint64_t)-EPERM);
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    CHECK_EQ(mem_of("d0")->bad, 0);
}

TEST(a_last_sector_that_is_cut_short_is_whole_to_the_guest)
{
    struct disk *d = disk_on("size=1000,logical=1");
    struct tn_blk_info i = {.struct_size = sizeof i};
    d->block->info(d->drive, &i);
    CHECK_EQ(i.size, 1024);
    CHECK_EQ(i.logical, 512);
    CHECK_EQ(ask(d, TN_BLK_READ, 512, page, 512, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 512, 0), 0);
}

TEST(info_fills_no_more_than_was_asked_for)
{
    struct disk *d = disk_on("size=1M");
    struct tn_blk_info i;
    memset(&i, 0xee, sizeof i);
    i.struct_size = offsetof(struct tn_blk_info, logical);
    CHECK_EQ(d->block->info(d->drive, &i), 0);
    CHECK_EQ(i.size, 1 << 20);
    CHECK_EQ(i.logical, 0xeeeeeeee);
    CHECK_EQ(i.struct_size, offsetof(struct tn_blk_info, logical));
}

/* ---- many ---- */

TEST(a_full_back_end_gets_the_rest_in_order_when_it_has_room)
{
    struct disk *d = disk_on("size=1M,slots=3");
    struct mem *m = mem_of("d0");
    struct asked a[40];
    struct tn_iov v = {page, 512};
    for (uint32_t i = 0; i < 40; i++)
        CHECK_EQ(ask_start(d, &a[i], TN_BLK_READ, i * 512, 512, &v, 1, 0), 0);
    for (uint32_t i = 0; i < 40; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
    CHECK_EQ(m->n, 40);
    CHECK_EQ(m->most, 3);
    for (uint32_t i = 0; i < 40; i++)
        CHECK_EQ(m->log[i].off, i * 512);
}

TEST(more_than_a_queue_can_hold_is_told_to_come_again)
{
    struct disk *d = disk_on("size=1M,hold=on");
    static struct asked a[5000];
    struct tn_iov v = {page, 512};
    uint32_t n = 0;
    while (n < 5000 && ask_start(d, &a[n], TN_BLK_READ, 0, 512, &v, 1, 0) == 0)
        n++;
    CHECK_EQ(n, 4096);
    mem_release(mem_of("d0"), 1);
    CHECK_EQ(ask_start(d, &a[n], TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    mem_release(mem_of("d0"), n);
    for (uint32_t i = 0; i <= n; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
}

TEST(answers_in_another_order_reach_their_requests)
{
    struct disk *d = disk_on("size=1M,reverse=on");
    struct mem *m = mem_of("d0");
    struct asked a[32];
    struct tn_iov v[32];
    fill(m->data, 32 * 512);
    for (uint32_t i = 0; i < 32; i++) {
        v[i] = (struct tn_iov){page + i * 512, 512};
        CHECK_EQ(ask_start(d, &a[i], TN_BLK_READ, i * 512, 512, &v[i], 1, 0), 0);
    }
    for (uint32_t i = 0; i < 32; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
    CHECK(memcmp(page, m->data, 32 * 512) == 0);
}

TEST(done_has_the_front_ends_lock_unless_it_wants_none)
{
    struct disk *d = disk_on("size=1M");
    struct asked a;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(ask_wait(&a), 0);
    CHECK_EQ(a.locked, 0);
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0"), 0);
    d = add_disk("drive=d0,queue-flags=0");
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(ask_wait(&a), 0);
    CHECK_EQ(a.locked, 1);
}

TEST(a_cancelled_request_ends_once)
{
    struct disk *d = disk_on("size=1M,hold=on,slots=1");
    struct asked a, b;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(ask_start(d, &b, TN_BLK_READ, 512, 512, &v, 1, 0), 0);
    CHECK_EQ(d->block->cancel(d->q, &b), 0); /* still waits for room */
    CHECK_EQ(ask_wait(&b), (uint64_t)-ECANCELED);
    CHECK_EQ(d->block->cancel(d->q, &a), 0);
    CHECK_EQ(ask_wait(&a), (uint64_t)-ECANCELED);
    CHECK_EQ(d->block->cancel(d->q, &a), (uint64_t)-ENOENT);
    CHECK_EQ(mem_of("d0")->bad, 0);
}

TEST(a_back_ends_error_is_told_once)
{
    struct disk *d = disk_on("size=1M");
    struct mem *m = mem_of("d0");
    m->fail_op = TN_BLK_READ;
    m->fail_err = -EBADMSG;
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), (uint64_t)-EBADMSG);
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), 0);
}

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

/* ---- attaching and leaving ---- */

TEST(a_drive_is_one_front_ends)
{
    struct disk *d = disk_on("size=1M");
    CHECK(d);
    CHECK(!add_disk("drive=d0"));
    CHECK_STR(fixture_error, "Drive 'd0' is already in use by another device");
    CHECK(!add_disk("drive=d1"));
    CHECK_STR(fixture_error, "Property 'disk.drive' can't find value 'd1'");
}

TEST(the_back_end_hears_who_uses_it_and_when_nobody_does)
{
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0"), 0);
    struct mem *m = mem_of("d0");
    CHECK_EQ(m->accesses, 0);
    struct disk *d = add_disk("drive=d0,flags=3");
    CHECK_EQ(m->access, TN_BLKA_WRITE | TN_BLKA_SHARE_RW | TN_BLKA_READ);
    device_free(device_of(d->dev));
    CHECK_EQ(m->access, 0);
    CHECK_EQ(m->accesses, 2);
    CHECK(add_disk("drive=d0"));
}

TEST(a_locked_image_is_refused_in_the_back_ends_words)
{
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0,locking=busy"), 0);
    CHECK(!add_disk("drive=d0"));
    CHECK_STR(fixture_error, "Failed to get \"write\" lock");
    CHECK(add_disk("drive=d0,flags=0"));
}

TEST(a_disk_that_leaves_waits_for_its_requests_and_is_not_called_any_more)
{
    struct disk *d = disk_on("size=1M");
    struct asked a;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_WRITE, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(mem_held(mem_of("d0")), 1);
    device_free(device_of(d->dev));
    CHECK_EQ(a.ended, 0);
    CHECK_EQ(mem_of("d0")->bad, 0);
    struct block_stats s;
    block_stats(blk("d0"), &s);
    CHECK_EQ(s.kind[BLOCK_ACCT_WRITE].ops, 1);
}

TEST(an_empty_drive_is_for_devices_that_take_media)
{
    block_vm();
    CHECK_EQ(add_drive("if=none,id=d0"), 0);
    CHECK(!add_disk("drive=d0"));
    CHECK_STR(fixture_error, "Device needs media, but drive is empty");
}

/* ---- size ---- */

TEST(resize_drains_and_tells)
{
    struct vm *vm = block_vm();
    ERR_AUTO e = {0};
    CHECK_EQ(add_blockdev("raw,node-name=r,file.driver=mem,file.node-name=m"), 0);
    struct disk *d = add_disk("drive=r");
    struct asked a;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(block_resize(vm, "r", 1 << 19, &e), 0);
    CHECK_EQ(a.ended, 1);
    CHECK_EQ(d->drains, 1);
    CHECK_EQ(d->undrains, 1);
    CHECK_EQ(d->resized, 1);
    CHECK_EQ(mem_of("r")->bad, 0);
    struct tn_blk_info i = {.struct_size = sizeof i};
    d->block->info(d->drive, &i);
    CHECK_EQ(i.size, 1 << 19);
    CHECK_EQ(ask(d, TN_BLK_READ, 1 << 19, page, 512, 0), (uint64_t)-EIO);
    CHECK(block_resize(vm, "r", (uint64_t)1 << 40, &e) < 0);
    CHECK_STR(err_text(&e), "too large");
    err_clear(&e);
    CHECK_EQ(block_resize(vm, "x", 1, &e), (uint64_t)-ENOENT);
    CHECK_STR(err_text(&e), "Cannot find device='x' nor node-name='x'");
}

TEST(a_back_end_that_changes_is_asked_again)
{
    struct disk *d = disk_on("size=1M");
    struct mem *m = mem_of("d0");
    m->size = 1 << 19;
    m->feed->changed(m->dev);
    fixture_until(device_of(d->dev)->vm, &d->resized);
    CHECK_EQ(d->resized, 1);
    CHECK_EQ(ask(d, TN_BLK_READ, 1 << 19, page, 512, 0), (uint64_t)-EIO);
}

/* ---- errors ---- */

TEST(error_policies_are_the_devices_then_the_drives_then_the_usual)
{
    struct disk *d = disk_on("size=1M");
    const struct tn_block *t = d->block;
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_AUTO), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_WRITE, -EIO, TN_BLKE_AUTO), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_IGNORE), 1);
    d = disk_on("size=1M,rerror=ignore,werror=report");
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_AUTO), 1);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_WRITE, -ENOSPC, TN_BLKE_AUTO), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_REPORT), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_WRITE, -EIO, TN_BLKE_ENOSPC), 0);
}

TEST(a_full_disk_pauses_the_machine)
{
    struct disk *d = disk_on("size=1M");
    struct vm *vm = device_of(d->dev)->vm;
    struct run_options o = {0};
    struct run *mine = vm->run ? NULL : (vm->run = run_new(vm, &o));
    CHECK_EQ(d->block->on_error(d->drive, TN_BLK_WRITE, -ENOSPC, TN_BLKE_AUTO), 2);
    CHECK_EQ(d->block->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_STOP), 2);
    CHECK_STR(run_state_name(RUN_IO_ERROR), "io-error");
    (void)mine;
}

TEST(counters_tell_bytes_and_requests_by_kind)
{
    struct disk *d = disk_on("size=1M,discard=unmap");
    struct block_stats s;
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 4096, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE_ZEROES, 0, NULL, 1024, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, 8192, 0), 0);
    block_stats(blk("d0"), &s);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].bytes, 4096);
    CHECK_EQ(s.kind[BLOCK_ACCT_WRITE].bytes, 1536);
    CHECK_EQ(s.kind[BLOCK_ACCT_WRITE].ops, 2);
    CHECK_EQ(s.kind[BLOCK_ACCT_FLUSH].ops, 1);
    CHECK_EQ(s.kind[BLOCK_ACCT_UNMAP].bytes, 8192);
    CHECK(s.kind[BLOCK_ACCT_READ].ns > 0);
}

TEST(the_time_of_requests_is_counted_in_nanoseconds)
{
    struct disk *d = disk_on("size=1M,hold=on");
    struct asked a;
    struct tn_iov v = {page, 512};
    struct block_stats s;
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    usleep(20000);
    mem_release(mem_of("d0"), 1);
    CHECK_EQ(ask_wait(&a), 0);
    block_stats(blk("d0"), &s);
    CHECK(s.kind[BLOCK_ACCT_READ].ns >= 19000000 && s.kind[BLOCK_ACCT_READ].ns < 2000000000);
}

/* ---- ranges ---- */

static uint32_t grants;

static void granted(struct blk_range *r)
{
    (void)r;
    grants++;
}

TEST(ranges_are_granted_in_order_of_those_that_overlap)
{
    struct blk_ranges s;
    struct blk_range a = {.first = 0, .end = 10, .granted = granted},
                     b = {.first = 5, .end = 20, .granted = granted},
                     c = {.first = 15, .end = 30, .granted = granted},
                     d = {.first = 30, .end = 40, .granted = granted};
    grants = 0;
    ranges_init(&s);
    CHECK(range_take(&s, &a));
    CHECK(!range_take(&s, &b));
    CHECK(!range_take(&s, &c)); /* b came before */
    CHECK(range_take(&s, &d));
    range_drop(&s, &a);
    CHECK_EQ(grants, 1);
    CHECK(b.held && !c.held);
    range_drop(&s, &b);
    CHECK(c.held);
    range_drop(&s, &c);
    range_drop(&s, &d);
    CHECK(TAILQ_EMPTY(&s.all));
    ranges_free(&s);
}

int main(void)
{
    RUN(an_aligned_request_reaches_the_back_end_as_it_is);
    RUN(raw_without_a_window_is_left_out_of_the_way);
    RUN(raw_with_offset_and_size_shows_a_window);
    RUN(what_lies_beyond_the_end_is_refused_without_the_back_end);
    RUN(buffers_that_are_not_as_long_as_the_request_are_refused);
    RUN(a_read_only_drive_takes_no_write);
    RUN(a_last_sector_that_is_cut_short_is_whole_to_the_guest);
    RUN(info_fills_no_more_than_was_asked_for);
    RUN(a_full_back_end_gets_the_rest_in_order_when_it_has_room);
    RUN(more_than_a_queue_can_hold_is_told_to_come_again);
    RUN(answers_in_another_order_reach_their_requests);
    RUN(done_has_the_front_ends_lock_unless_it_wants_none);
    RUN(a_cancelled_request_ends_once);
    RUN(a_back_ends_error_is_told_once);
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
    RUN(a_drive_is_one_front_ends);
    RUN(the_back_end_hears_who_uses_it_and_when_nobody_does);
    RUN(a_locked_image_is_refused_in_the_back_ends_words);
    RUN(a_disk_that_leaves_waits_for_its_requests_and_is_not_called_any_more);
    RUN(an_empty_drive_is_for_devices_that_take_media);
    RUN(resize_drains_and_tells);
    RUN(a_back_end_that_changes_is_asked_again);
    RUN(error_policies_are_the_devices_then_the_drives_then_the_usual);
    RUN(a_full_disk_pauses_the_machine);
    RUN(counters_tell_bytes_and_requests_by_kind);
    RUN(the_time_of_requests_is_counted_in_nanoseconds);
    RUN(ranges_are_granted_in_order_of_those_that_overlap);
    block_vm_end();
    return tap_done();
}
