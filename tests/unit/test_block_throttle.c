/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of requests and bytes a second, on a clock that the test moves. */
#include "block_mem.h"
#include "tap.h"

#include "backend/throttle.h"
#include <errno.h>

enum { MS = 1000000 };
static uint8_t page[1 << 16];

/* ---- buckets ---- */

static struct throttle_limits iops(uint64_t avg, uint64_t max, uint64_t length)
{
    struct throttle_limits l;
    throttle_limits_init(&l);
    l.of[THROTTLE_IOPS_TOTAL] = (struct throttle_limit){avg, max, length};
    return l;
}

/* How many requests of so many bytes go in ms milliseconds, each as early as it may. */
static uint32_t go_for(struct throttle *t, uint64_t *now, uint32_t ms, uint64_t bytes)
{
    uint64_t end = *now + (uint64_t)ms * MS, wait;
    uint32_t n = 0;
    for (;;) {
        while ((wait = throttle_wait(t, 0, *now)) == 0 && n < 1000000) {
            throttle_account(t, 0, bytes);
            n++;
        }
        if (*now + wait > end)
            break;
        *now += wait;
    }
    *now = end;
    return n;
}

TEST(the_average_is_kept_after_a_tenth_of_a_second_at_once)
{
    struct throttle_limits l = iops(100, 0, 1);
    struct throttle t;
    uint64_t now = 5;
    throttle_init(&t, &l, now);
    uint32_t first = go_for(&t, &now, 0, 512);
    CHECK(first == 11); /* 10, and the one that goes over the brim */
    CHECK_EQ(go_for(&t, &now, 1000, 512), 100);
    CHECK_EQ(go_for(&t, &now, 10000, 512), 1000);
}

TEST(a_burst_is_as_fast_and_as_long_as_was_said)
{
    struct throttle_limits l = iops(100, 1000, 2);
    struct throttle t;
    uint64_t now = 0;
    throttle_init(&t, &l, now);
    uint32_t n = go_for(&t, &now, 1000, 512);
    CHECK(n > 950 && n <= 1102);
    n += go_for(&t, &now, 3000, 512);
    CHECK(n > 2000 && n < 2450); /* 2 s of 1000, then 100 each */
    CHECK(go_for(&t, &now, 1000, 512) <= 101);
}

TEST(bytes_and_large_requests_count_as_what_they_are)
{
    struct throttle_limits l = iops(100, 0, 1);
    struct throttle t;
    uint64_t now = 0;
    l.op_size = 4096;
    throttle_init(&t, &l, now);
    go_for(&t, &now, 1000, 40960);
    CHECK_EQ(go_for(&t, &now, 10000, 40960), 100); /* each is ten */
    throttle_limits_init(&l);
    l.of[THROTTLE_BPS_READ].avg = 1 << 20;
    throttle_init(&t, &l, now);
    go_for(&t, &now, 1000, 4096);
    CHECK_EQ(go_for(&t, &now, 1000, 4096), 256);
    CHECK_EQ(throttle_wait(&t, 1, now), 0); /* writes have no limit */
}

TEST(contradictions_are_named)
{
    static const struct {
        uint32_t bucket;
        struct throttle_limit of;
        const char *says;
    } bad[] = {
        {THROTTLE_IOPS_TOTAL, {1, 0, 0}, "the burst length cannot be 0"},
        {THROTTLE_IOPS_TOTAL, {1, 0, 2}, "burst length set without burst rate"},
        {THROTTLE_BPS_READ, {0, 5, 1}, "bps_max/iops_max require corresponding bps/iops values"},
        {THROTTLE_BPS_READ, {6, 5, 1}, "bps_max/iops_max cannot be lower than bps/iops"},
        {THROTTLE_BPS_READ,
         {6, 1000000, 1000000000000},
         "burst length too high for this burst rate"},
        {THROTTLE_BPS_READ,
         {1000000000000001, 0, 1},
         "bps/iops/max values must be within [0, 1000000000000000]"},
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct throttle_limits l;
        ERR_AUTO e = {0};
        throttle_limits_init(&l);
        l.of[bad[i].bucket] = bad[i].of;
        CHECK(throttle_limits_check(&l, &e) < 0);
        CHECK_STR(err_text(&e), bad[i].says);
    }
}

/* ---- drives ---- */

/* Moves the clock by ms, a millisecond at a time. */
static void pass_time(struct vm *vm, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i++) {
        clock_set(&vm->clock, clock_now(&vm->clock, TN_CLK_VM) + MS);
        fixture_spin(vm);
    }
}

static void start_many(struct disk *d, struct asked *a, uint32_t n, uint32_t op)
{
    static struct tn_iov v = {page, 512};
    for (uint32_t i = 0; i < n; i++)
        if (ask_start(d, &a[i], op, 0, 512, &v, 1, 0) < 0)
            a[i].ended = 0;
}

static uint32_t ended(const struct asked *a, uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += a[i].ended;
    return sum;
}

TEST(a_drive_goes_as_fast_as_it_may)
{
    struct vm *vm = block_vm();
    static struct asked a[200];
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0,iops=100"), 0);
    struct disk *d = add_disk("drive=d0");
    CHECK(d);
    start_many(d, a, 200, TN_BLK_READ);
    fixture_spin(vm);
    CHECK_EQ(ended(a, 200), 11);
    pass_time(vm, 1000);
    uint32_t n = ended(a, 200);
    CHECK(n >= 109 && n <= 111);
    pass_time(vm, 1000);
    CHECK_EQ(ended(a, 200), 200);
    CHECK_EQ(mem_of("d0")->bad, 0);
}

TEST(reads_and_writes_have_limits_of_their_own_and_flushes_none)
{
    struct vm *vm = block_vm();
    static struct asked r[50], w[50], f[5];
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0,iops_rd=10,throttling.iops-write=20"), 0);
    struct disk *d = add_disk("drive=d0");
    start_many(d, r, 50, TN_BLK_READ);
    start_many(d, w, 50, TN_BLK_WRITE);
    start_many(d, f, 5, TN_BLK_FLUSH);
    pass_time(vm, 1000);
    CHECK(ended(r, 50) >= 11 && ended(r, 50) <= 12);
    CHECK(ended(w, 50) >= 22 && ended(w, 50) <= 23);
    CHECK_EQ(ended(f, 5), 5);
}

TEST(drives_of_a_group_share_it_by_turns)
{
    struct vm *vm = block_vm();
    static struct asked a[100], b[100];
    CHECK(fixture_add(vm, TN_K_OBJECT, "throttle-group,id=g,x-iops-total=100"));
    CHECK_EQ(add_blockdev("throttle,node-name=t0,throttle-group=g,file.driver=mem"), 0);
    CHECK_EQ(add_blockdev("throttle,node-name=t1,throttle-group=g,file.driver=mem"), 0);
    struct disk *d0 = add_disk("drive=t0"), *d1 = add_disk("drive=t1");
    CHECK(d0 && d1);
    start_many(d0, a, 100, TN_BLK_READ);
    start_many(d1, b, 100, TN_BLK_READ);
    pass_time(vm, 1000);
    uint32_t na = ended(a, 100), nb = ended(b, 100);
    CHECK(na + nb >= 109 && na + nb <= 112);
    CHECK(na > 50 && nb >= 45 && nb <= 56);
}

TEST(drives_join_a_group_by_its_name)
{
    struct vm *vm = block_vm();
    static struct asked a[100], b[100];
    CHECK_EQ(add_drive("driver=mem,if=none,id=a,iops=100,throttling.group=g"), 0);
    CHECK_EQ(add_drive("driver=mem,if=none,id=b,throttling.group=g"), 0);
    struct disk *d0 = add_disk("drive=a"), *d1 = add_disk("drive=b");
    start_many(d0, a, 100, TN_BLK_READ);
    start_many(d1, b, 100, TN_BLK_READ);
    pass_time(vm, 500);
    uint32_t n = ended(a, 100) + ended(b, 100);
    CHECK(n >= 58 && n <= 62);
}

TEST(who_is_drained_does_not_wait)
{
    struct vm *vm = block_vm();
    static struct asked a[50];
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0,iops=1"), 0);
    struct disk *d = add_disk("drive=d0");
    start_many(d, a, 50, TN_BLK_READ);
    block_drain_begin(blk("d0"));
    CHECK_EQ(ended(a, 50), 50);
    block_drain_end(blk("d0"));
    start_many(d, a, 50, TN_BLK_READ);
    fixture_spin(vm);
    CHECK(ended(a, 50) < 3);
    ERR_AUTO e = {0};
    CHECK_EQ(devices_quiesce(vm, TN_Q_SAVE, &e), 0);
    fixture_spin(vm);
    CHECK_EQ(ended(a, 50), 50);
    devices_resume(vm);
    start_many(d, a, 50, TN_BLK_READ);
    fixture_spin(vm);
    CHECK(ended(a, 50) < 3);
    device_free(device_of(d->dev)); /* with what waits */
    CHECK_EQ(mem_of("d0")->bad, 0);
}

TEST(a_group_must_be_there_and_be_one)
{
    struct vm *vm = block_vm();
    CHECK(add_blockdev("throttle,node-name=t,throttle-group=g,file.driver=mem") < 0);
    CHECK_STR(fixture_error, "Throttle group 'g' does not exist");
    CHECK(add_blockdev("throttle,node-name=t,file.driver=mem") < 0);
    CHECK_STR(fixture_error, "Parameter 'throttle-group' is missing");
    CHECK(!fixture_add(vm, TN_K_OBJECT, "throttle-group,id=g,x-iops-total=5,x-iops-read=6"));
    CHECK(strstr(fixture_error, "bps/iops/max total values and read/write values"));
    CHECK(!fixture_add(vm, TN_K_OBJECT, "throttle-group,id=g,x-iops-total=-5"));
    CHECK_STR(fixture_error, "Property values cannot be negative");
    CHECK(fixture_add(
        vm, TN_K_OBJECT,
        "{\"qom-type\":\"throttle-group\",\"id\":\"g\",\"limits\":{\"iops-total\":5}}"));
    CHECK(add_drive("driver=mem,if=none,id=d,throttling.group=g") == 0);
}

int main(void)
{
    RUN(the_average_is_kept_after_a_tenth_of_a_second_at_once);
    RUN(a_burst_is_as_fast_and_as_long_as_was_said);
    RUN(bytes_and_large_requests_count_as_what_they_are);
    RUN(contradictions_are_named);
    RUN(a_drive_goes_as_fast_as_it_may);
    RUN(reads_and_writes_have_limits_of_their_own_and_flushes_none);
    RUN(drives_of_a_group_share_it_by_turns);
    RUN(drives_join_a_group_by_its_name);
    RUN(who_is_drained_does_not_wait);
    RUN(a_group_must_be_there_and_be_one);
    block_vm_end();
    return tap_done();
}
