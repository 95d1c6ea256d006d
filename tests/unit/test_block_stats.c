/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of a disk. */
#include "block_disk.h"

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

/* One read that succeeds, then one that fails, and one that is refused. */
static void good_bad_and_refused(const char *options)
{
    struct disk *d = disk_on(options);
    struct block_stats s;
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), 0);
    mem_of("d0")->fail_op = TN_BLK_READ;
    mem_of("d0")->fail_err = -EIO;
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_READ, 1 << 20, page, 512, 0), (uint64_t)-EIO);
    block_stats(blk("d0"), &s);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].ops, 1);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].failed, 1);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].invalid, 1);
}

/* The longest read of an interval, in ns. */
static uint64_t worst_read(uint32_t i)
{
    struct block_interval v;
    block_interval(blk("d0"), i, &v);
    return v.kind[BLOCK_ACCT_READ].max;
}

TEST(what_fails_takes_time_where_the_drive_says_so)
{
    struct block_stats s;
    for (uint32_t on = 0; on < 2; on++) {
        struct disk *d =
            disk_on(on ? "size=1M,hold=on,stats-intervals.0=60"
                       : "size=1M,hold=on,stats-intervals.0=60,stats-account-failed=off");
        struct asked a;
        struct tn_iov v = {page, 512};
        mem_of("d0")->fail_op = TN_BLK_READ;
        mem_of("d0")->fail_err = -EIO;
        CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
        usleep(2000);
        mem_release(mem_of("d0"), 1);
        CHECK_EQ(ask_wait(&a), (uint64_t)-EIO);
        block_stats(blk("d0"), &s);
        CHECK_EQ(s.kind[BLOCK_ACCT_READ].failed, 1);
        CHECK_EQ(s.kind[BLOCK_ACCT_READ].ns >= 1900000, on);
        CHECK_EQ(worst_read(0) >= 1900000, on);
        CHECK_EQ(s.last != 0, on);
    }
}

TEST(a_request_is_good_bad_or_refused)
{
    good_bad_and_refused("size=1M");
    good_bad_and_refused("size=1M,stats-account-failed=off,stats-account-invalid=off");
}

TEST(a_disk_that_has_only_refused_is_idle_where_the_drive_says_so)
{
    struct block_stats s;
    for (uint32_t on = 0; on < 2; on++) {
        struct disk *d = disk_on(on ? "size=1M" : "size=1M,stats-account-invalid=off");
        CHECK_EQ(ask(d, TN_BLK_READ, 1 << 20, page, 512, 0), (uint64_t)-EIO);
        block_stats(blk("d0"), &s);
        CHECK_EQ(s.last != 0, on);
        CHECK_EQ(s.kind[BLOCK_ACCT_READ].ns, 0);
    }
}

TEST(intervals_tell_of_their_seconds)
{
    struct disk *d = disk_on("size=1M,hold=on,stats-intervals.0=1,stats-intervals.1=3600");
    struct asked a[2];
    struct block_interval v[2];
    struct tn_iov buf = {page, 512};
    CHECK_EQ(block_intervals(blk("d0")), 2);
    for (uint32_t i = 0; i < 2; i++)
        CHECK_EQ(ask_start(d, &a[i], TN_BLK_READ, 0, 512, &buf, 1, 0), 0);
    for (uint32_t i = 0; i < 2; i++) {
        usleep(5000);
        mem_release(mem_of("d0"), 1);
        CHECK_EQ(ask_wait(&a[i]), 0);
    }
    block_interval(blk("d0"), 1, &v[1]);
    CHECK_EQ(v[1].seconds, 3600);
    CHECK(v[1].kind[BLOCK_ACCT_READ].min >= 4900000);
    CHECK(v[1].kind[BLOCK_ACCT_READ].max >= v[1].kind[BLOCK_ACCT_READ].min + 4900000);
    CHECK(v[1].kind[BLOCK_ACCT_READ].avg > v[1].kind[BLOCK_ACCT_READ].min);
    CHECK(v[1].kind[BLOCK_ACCT_READ].avg < v[1].kind[BLOCK_ACCT_READ].max);
    CHECK(v[1].kind[BLOCK_ACCT_READ].depth > 0 && v[1].kind[BLOCK_ACCT_READ].depth <= 2);
    CHECK_EQ(v[1].kind[BLOCK_ACCT_WRITE].max, 0);
    usleep(1010000);
    block_interval(blk("d0"), 0, &v[0]);
    CHECK_EQ(v[0].seconds, 1);
    CHECK_EQ(v[0].kind[BLOCK_ACCT_READ].max, 0);
    CHECK(v[0].kind[BLOCK_ACCT_READ].depth == 0);
    CHECK(worst_read(1) >= 9000000);
}

int main(void)
{
    RUN(counters_tell_bytes_and_requests_by_kind);
    RUN(the_time_of_requests_is_counted_in_nanoseconds);
    RUN(what_fails_takes_time_where_the_drive_says_so);
    RUN(a_request_is_good_bad_or_refused);
    RUN(a_disk_that_has_only_refused_is_idle_where_the_drive_says_so);
    RUN(intervals_tell_of_their_seconds);
    block_vm_end();
    return tap_done();
}
