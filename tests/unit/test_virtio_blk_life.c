/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to a built virtio-blk device in a machine: its drive has no room and the machine
 * stops, it is saved and loaded into another one, it leaves while a request is on its way. The
 * driver is this file, by the legacy interface of PCI (VIRTIO 1.3, 4.1.4.10). TENON_PLUGIN_DIR says
 * where the plugins are. */
#include "backend/block_host.h"
#include "monitor/qtest_impl.h"
#include "virtio_saved.h"
#include "vm/run.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "../../plugins/virtio/virtio-blk/blk_regs.h"

enum {
    ENTRIES = 256,
    AVAIL = RINGS + 16 * ENTRIES,
    USED = (AVAIL + 6 + 2 * ENTRIES + 4095) & ~4095,
    REQUESTS = BUFFERS,
    REQUEST = 0x1000, /* header, status at 16, data at 512 */
    TOP = 0x280000,
    DISK = 1 << 20,
    LIMIT = 64 << 10, /* where a full file system is played */
    MS = 1000000,
};

static char path[] = "/tmp/vblk-life-XXXXXX";
static uint16_t requests;
static uint64_t now; /* of the guest, which limits go by */

/* ---- a machine ---- */

static char *device_line(const char *more)
{
    if (*more == '{')
        return xstrdup(more);
    return xasprintf("virtio-blk-pci,id=s,drive=d0,addr=4,num-queues=1%s", more);
}

/* Options are a list that begins with a comma; the device's may be JSON instead. */
static void start(const char *drive_options, const char *device_options)
{
    AUTO_FREE char *drive =
        xasprintf("file=%s,format=raw,if=none,id=d0,cache=writeback%s", path, drive_options);
    AUTO_FREE char *device = device_line(device_options);
    now = 0;
    machine_up((const char *const[]){"-object", "iothread,id=t", "-drive", drive, "-device", device,
                                     NULL});
}

static void end(void)
{
    machine_down();
}

/* ---- a driver ---- */

static void start_driver(void)
{
    static const uint8_t empty[TOP - RINGS];
    place_device();
    CHECK_EQ(memory_write(vm, RINGS, empty, sizeof empty), 0);
    out(STATUS, 0, 1);
    out(STATUS, 3, 1);
    out(GUEST_FEATURES, 1u << BLK_F_FLUSH | 1u << BLK_F_CONFIG_WCE, 4);
    out(QUEUE_PFN, RINGS >> 12, 4);
    out(STATUS, 7, 1);
    turns(5);
    requests = 0;
}

/* One sector that is written or read, with every byte of it `byte`. Returns its number. */
static uint32_t send(uint32_t type, uint64_t sector, uint8_t byte)
{
    uint32_t n = requests++;
    uint64_t at = REQUESTS + n * (uint64_t)REQUEST;
    uint8_t data[BLK_SECTOR];
    memset(data, byte, sizeof data);
    put(at, type, 4);
    put(at + 8, sector, 8);
    put(at + 16, 0xff, 1);
    CHECK_EQ(memory_write(vm, at + 512, data, sizeof data), 0);
    describe(0, 3 * n, at, BLK_HDR_LEN, 1);
    describe(0, 3 * n + 1, at + 512, sizeof data, type == BLK_T_IN ? 3 : 1);
    describe(0, 3 * n + 2, at + 16, 1, 2);
    put(AVAIL + 4 + 2 * n, 3 * n, 2);
    put(AVAIL + 2, requests, 2);
    return n;
}

static uint32_t status(uint32_t n)
{
    return (uint32_t)get(REQUESTS + n * (uint64_t)REQUEST + 16, 1);
}

/* Waits until n requests have been used. */
static void wait_used(uint32_t n)
{
    for (int i = 0; i < 1000 && used(0) != n; i++) {
        qtest_warp(vm, now += 10 * MS);
        turns(1);
    }
    CHECK_EQ(used(0), n);
}

static uint8_t on_disk(uint64_t sector)
{
    uint8_t b = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK_EQ(pread(fd, &b, 1, (off_t)(sector * BLK_SECTOR)), 1);
    close(fd);
    return b;
}

/* ---- a full file system ---- */

static void limit(rlim_t most)
{
    const struct rlimit r = {most, RLIM_INFINITY};
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* A write that fails stops the machine; before and behind it are ones that do not. */
static void stop_by_error(const char *device_options)
{
    start("", device_options);
    start_driver();
    limit(LIMIT);
    send(BLK_T_OUT, 1, 0x11);
    send(BLK_T_OUT, LIMIT / BLK_SECTOR + 8, 0x22);
    send(BLK_T_IN, 1, 0);
    kick(0);
    wait_used(2);
    for (int i = 0; i < 1000 && run_state(vm) == RUN_RUNNING; i++)
        turns(1);
    CHECK(run_state(vm) != RUN_RUNNING);
    turns(20);
    limit(RLIM_INFINITY);
    CHECK_EQ(used(0), 2);
    CHECK_EQ(status(1), 0xff);
}

static void goes_on(void)
{
    wait_used(3);
    CHECK_EQ(status(1), BLK_S_OK);
    CHECK_EQ(on_disk(LIMIT / BLK_SECTOR + 8), 0x22);
    uint32_t n = send(BLK_T_OUT, 5, 0x33);
    kick(0);
    wait_used(4);
    CHECK_EQ(status(n), BLK_S_OK);
}

TEST(a_machine_that_stopped_for_room_goes_on)
{
    stop_by_error(",werror=stop");
    run_resume(vm);
    goes_on();
    end();
}

TEST(the_same_with_an_iothread)
{
    stop_by_error(",werror=stop,iothread=t");
    run_resume(vm);
    goes_on();
    end();
}

TEST(the_same_with_mapped_iothreads)
{
    stop_by_error(
        "{\"driver\":\"virtio-blk-pci\",\"id\":\"s\",\"drive\":\"d0\",\"addr\":\"4\",\"num-"
        "queues\":1,"
        "\"werror\":\"stop\",\"iothread-vq-mapping\":[{\"iothread\":\"t\",\"vqs\":[0]}]}");
    run_resume(vm);
    goes_on();
    end();
}

TEST(it_stops_again_while_there_is_no_room)
{
    stop_by_error(",werror=stop");
    limit(LIMIT);
    run_resume(vm);
    for (int i = 0; i < 1000 && run_state(vm) == RUN_RUNNING; i++)
        turns(1);
    CHECK(run_state(vm) != RUN_RUNNING);
    CHECK_EQ(used(0), 2);
    limit(RLIM_INFINITY);
    run_resume(vm);
    goes_on();
    end();
}

TEST(a_reset_of_a_stopped_machine_forgets_the_request)
{
    stop_by_error(",werror=stop");
    run_reset(vm, TN_RESET_COLD);
    run_resume(vm);
    turns(20);
    CHECK_EQ(on_disk(LIMIT / BLK_SECTOR + 8), 0);
    start_driver();
    send(BLK_T_OUT, 5, 0x44);
    kick(0);
    wait_used(1);
    CHECK_EQ(on_disk(5), 0x44);
    end();
}

/* Requests are on their way at every pause; what was taken back is done again, once for the driver.
 */
static void pause_often(const char *drive_options, const char *device_options)
{
    start(drive_options, device_options);
    for (uint32_t round = 0; round < 5; round++) {
        start_driver();
        for (uint32_t i = 0; i < 80; i++) {
            send(i % 4 == 3 ? BLK_T_IN : BLK_T_OUT, 2 * i, (uint8_t)(i + round));
            if (i % 4 != 1)
                continue;
            out(QUEUE_NOTIFY, 0, 2);
            if (i % 8 == 1)
                turns(1);
            run_pause(vm);
            CHECK(run_state(vm) != RUN_RUNNING);
            run_resume(vm);
        }
        kick(0);
        wait_used(80);
        for (uint32_t i = 0; i < 80; i++) {
            CHECK_EQ(status(i), BLK_S_OK);
            if (i % 4 != 3)
                CHECK_EQ(on_disk(2 * i), (uint8_t)(i + round));
        }
    }
    end();
}

TEST(pauses_lose_nothing)
{
    pause_often("", "");
}

TEST(pauses_lose_nothing_with_an_iothread)
{
    pause_often("", ",iothread=t");
}

TEST(pauses_lose_nothing_with_threads)
{
    pause_often(",aio=threads", ",iothread=t,request-merging=off");
}

TEST(pauses_lose_nothing_of_a_limited_drive)
{
    pause_often(",throttling.iops-total=1000000,throttling.bps-write=200000", "");
}

/* ---- saving ---- */

static void move_on(const char *drive_options, const char *device_options)
{
    struct saved saved = {0};
    save(&saved);
    save_memory();
    end();
    start(drive_options, device_options);
    place_device();
    load_memory();
    CHECK_EQ(load(&saved), 0);
    devices_resume(vm);
    turns(5);
    buf_free(&saved.outer);
    buf_free(&saved.inner);
}

TEST(ring_and_cache_go_on_in_another_machine)
{
    start("", "");
    start_driver();
    out(CONFIG + BLK_CFG_WRITEBACK, 0, 1);
    send(BLK_T_OUT, 3, 0x55);
    kick(0);
    wait_used(1);
    move_on("", "");
    CHECK_EQ(in(CONFIG + BLK_CFG_WRITEBACK, 1), 0);
    uint32_t n = send(BLK_T_IN, 3, 0);
    kick(0);
    wait_used(2);
    CHECK_EQ(status(n), BLK_S_OK);
    CHECK_EQ(get(REQUESTS + n * (uint64_t)REQUEST + 512, 1), 0x55);
    end();
}

TEST(a_request_that_was_kept_is_done_by_another_machine)
{
    stop_by_error(",werror=stop");
    move_on("", ",werror=stop,iothread=t");
    goes_on();
    end();
}

TEST(what_a_slow_drive_has_not_begun_is_done_by_another_machine)
{
    start(",throttling.iops-total=1", "");
    start_driver();
    for (uint32_t i = 0; i < 4; i++)
        send(BLK_T_OUT, 10 * (i + 1), (uint8_t)(0x60 + i));
    kick(0);
    CHECK(used(0) < 4);
    move_on("", "");
    wait_used(4);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK_EQ(status(i), BLK_S_OK);
        CHECK_EQ(on_disk(10 * (i + 1)), 0x60 + i);
    }
    end();
}

TEST(a_disk_of_another_size_is_refused)
{
    struct saved saved = {0};
    start("", "");
    start_driver();
    save(&saved);
    save_memory();
    end();
    CHECK_EQ(truncate(path, 2 * DISK), 0);
    start("", "");
    place_device();
    CHECK(load(&saved) < 0);
    buf_free(&saved.outer);
    buf_free(&saved.inner);
    end();
    CHECK_EQ(truncate(path, DISK), 0);
}

/* ---- leaving and growing ---- */

TEST(it_leaves_with_requests_on_their_way)
{
    ERR_AUTO e = {0};
    for (int i = 0; i < 2; i++) {
        start(",throttling.iops-total=1", i ? ",iothread=t" : "");
        start_driver();
        for (uint32_t n = 0; n < 4; n++)
            send(BLK_T_OUT, 10 * n, 0x77);
        kick(0);
        struct device *s = device_find(vm, TN_K_DEVICE, "s");
        CHECK_EQ(device_quiesce(s, TN_Q_UNPLUG, &e), 0);
        device_free(s);
        CHECK(!device_find(vm, TN_K_DEVICE, "s"));
        turns(10);
        end();
    }
}

TEST(a_drive_that_grows_tells_the_driver)
{
    ERR_AUTO e = {0};
    start("", "");
    start_driver();
    in(ISR, 1);
    CHECK_EQ(block_resize(vm, "d0", 2 * DISK, &e), 0);
    CHECK_EQ(in(CONFIG + BLK_CFG_CAPACITY, 4), 2 * DISK / BLK_SECTOR);
    CHECK_EQ(in(ISR, 1) & 2, 2);
    uint32_t n = send(BLK_T_OUT, 2 * DISK / BLK_SECTOR - 1, 0x7e);
    kick(0);
    wait_used(1);
    CHECK_EQ(status(n), BLK_S_OK);
    end();
    CHECK_EQ(truncate(path, DISK), 0);
}

static void make_disk(void)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK_EQ(ftruncate(fd, DISK), 0);
    close(fd);
}

static void run(const char *name, void (*fn)(void))
{
    limit(RLIM_INFINITY);
    make_disk();
    tap_run(name, fn);
}
#define LIFE(name) run(#name, name)

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    close(mkstemp(path));
    LIFE(a_machine_that_stopped_for_room_goes_on);
    LIFE(the_same_with_an_iothread);
    LIFE(the_same_with_mapped_iothreads);
    LIFE(it_stops_again_while_there_is_no_room);
    LIFE(a_reset_of_a_stopped_machine_forgets_the_request);
    LIFE(pauses_lose_nothing);
    LIFE(pauses_lose_nothing_with_an_iothread);
    LIFE(pauses_lose_nothing_with_threads);
    LIFE(pauses_lose_nothing_of_a_limited_drive);
    LIFE(ring_and_cache_go_on_in_another_machine);
    LIFE(a_request_that_was_kept_is_done_by_another_machine);
    LIFE(what_a_slow_drive_has_not_begun_is_done_by_another_machine);
    LIFE(a_disk_of_another_size_is_refused);
    LIFE(it_leaves_with_requests_on_their_way);
    LIFE(a_drive_that_grows_tells_the_driver);
    unlink(path);
    return tap_done();
}
