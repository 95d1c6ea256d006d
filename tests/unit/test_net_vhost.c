/* SPDX-License-Identifier: BSD-2-Clause */
/* tap's vhost half, with a kernel that is a table here: ioctl() of the code under test ends in
 * __wrap_ioctl(). <linux/vhost.h> */
#include "tap_vhost.h"

#include "tap.h" /* of this folder */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

enum { RAM = 0x10000, LOW = 0x1000, HIGH = 0x100000 };

/* ---- the kernel ---- */

struct fake_ring {
    uint32_t num, base, kick, call, poll;
    int backend;
    struct vhost_vring_addr addr;
};
static struct {
    uint64_t offered, acked;
    struct fake_ring ring[2];
    struct vhost_memory_region mem[VHOST_MEM_MOST];
    uint32_t nmem, owned, tables;
    int fail; /* of the next VHOST_SET_OWNER */
} kernel;

int __wrap_ioctl(int fd, unsigned long what, ...);

static void take_table(const struct vhost_memory *m)
{
    kernel.tables++;
    kernel.nmem = m->nregions;
    memcpy(kernel.mem, m->regions, m->nregions * sizeof m->regions[0]);
}

int __wrap_ioctl(int fd, unsigned long what, ...)
{
    va_list ap;
    va_start(ap, what);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    (void)fd;
    const struct vhost_vring_state *s = arg;
    const struct vhost_vring_file *f = arg;
    switch (what) {
    case VHOST_SET_OWNER:
        errno = kernel.fail;
        kernel.owned += !kernel.fail;
        return kernel.fail ? -1 : 0;
    case VHOST_GET_FEATURES:
        *(uint64_t *)arg = kernel.offered;
        return 0;
    case VHOST_SET_FEATURES:
        kernel.acked = *(const uint64_t *)arg;
        return 0;
    case VHOST_SET_MEM_TABLE:
        take_table(arg);
        return 0;
    case VHOST_SET_VRING_NUM:
        kernel.ring[s->index].num = s->num;
        return 0;
    case VHOST_SET_VRING_BASE:
        kernel.ring[s->index].base = s->num;
        return 0;
    case VHOST_GET_VRING_BASE:
        ((struct vhost_vring_state *)arg)->num = kernel.ring[s->index].base;
        return 0;
    case VHOST_SET_VRING_ADDR:
        kernel.ring[((const struct vhost_vring_addr *)arg)->index].addr =
            *(const struct vhost_vring_addr *)arg;
        return 0;
    case VHOST_SET_VRING_KICK:
        kernel.ring[f->index].kick = (uint32_t)f->fd;
        return 0;
    case VHOST_SET_VRING_CALL:
        kernel.ring[f->index].call = (uint32_t)f->fd;
        return 0;
    case VHOST_SET_VRING_BUSYLOOP_TIMEOUT:
        kernel.ring[s->index].poll = s->num;
        return 0;
    case VHOST_NET_SET_BACKEND:
        kernel.ring[f->index].backend = f->fd;
        return 0;
    default:
        errno = ENOTTY;
        return -1;
    }
}

/* What tap_vhost.c wants of its neighbours. */
int tap_numbers(struct tap *t, const char *key, const char *text, int *fd, uint32_t max,
                struct tn_err *e)
{
    (void)t, (void)key, (void)e, (void)max;
    *fd = fcntl(atoi(text), F_DUPFD_CLOEXEC, 0);
    return 1;
}

static uint32_t attached = 1;
void tap_attach_queue(struct tap *t, uint32_t q, uint32_t on)
{
    (void)t, (void)q;
    attached = on;
}

/* ---- the host ---- */

static char said[200];
static void core_fail(struct tn_err *e, int err, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    (void)e, (void)err, (void)file, (void)line;
    va_start(ap, fmt);
    vsnprintf(said, sizeof said, fmt, ap);
    va_end(ap);
}

static void core_warn(struct tn_dev *d, const char *fmt, ...)
{
    (void)d;
    snprintf(said, sizeof said, "%s", fmt);
}

static const char *core_id(struct tn_dev *d)
{
    (void)d;
    return "n";
}

static void (*bh_fn)(void *);
static void *bh_arg;
static uint32_t kicked;
static struct tn_bh *loop_bh(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, void (*fn)(void *),
                             void *s)
{
    (void)d, (void)c, (void)flags;
    bh_fn = fn;
    bh_arg = s;
    return (struct tn_bh *)&kicked;
}

static void loop_kick(struct tn_bh *b)
{
    ++*(uint32_t *)b;
}

static void loop_bh_del(struct tn_bh *b)
{
    (void)b;
    bh_fn = NULL;
}

/* Memory: two blocks of RAM, and a device's range that is no memory of a worker's. */
static uint8_t ram[2][RAM];
static const struct tn_dma_listener *listener;
static void *listener_arg;

static int map_at(uint64_t iova, void *va, uint64_t len, uint32_t flags)
{
    const struct tn_mapping m = {.struct_size = sizeof m,
                                 .flags = flags,
                                 .iova = iova,
                                 .gpa = iova,
                                 .len = len,
                                 .va = va,
                                 .fd = -1};
    return listener->map(listener_arg, &m);
}

static int dma_listen(struct tn_as *a, const struct tn_dma_listener *l, void *o, struct tn_err *e)
{
    (void)a, (void)e;
    listener = l;
    listener_arg = o;
    l->begin(o);
    int r = map_at(LOW, ram[0], RAM, TN_MEM_RAM);
    r = r ? r : map_at(HIGH, ram[1], RAM, TN_MEM_RAM);
    r = r ? r : map_at(0xe0000000, ram[1], RAM, TN_MEM_DEVICE);
    return r ? r : l->commit(o, 1);
}

static void dma_unlisten(struct tn_as *a, void *o)
{
    (void)a, (void)o;
    listener = NULL;
}

static const struct tn_core core = {
    .struct_size = sizeof core, .fail = core_fail, .warn = core_warn, .id = core_id};
static const struct tn_loop loop = {
    .struct_size = sizeof loop, .bh = loop_bh, .kick = loop_kick, .bh_del = loop_bh_del};
static const struct tn_dma dma = {
    .struct_size = sizeof dma, .listen = dma_listen, .unlisten = dma_unlisten};
static const char *needed;
static int os_need(struct tn_dev *d, const char *profile)
{
    (void)d;
    needed = profile;
    return 0;
}
static const struct tn_os os = {.struct_size = sizeof os, .need = os_need};

static const void *host_get(const struct tn_host *h, const char *id)
{
    (void)h;
    return strcmp(id, TN_DMA_1) == 0 ? &dma : NULL;
}
static const struct tn_host host = {.struct_size = sizeof host, .get = host_get};

/* ---- a TAP with one vhost, opened by a NIC ---- */

static struct tn_dev tap_dev = {&host, &core, NULL, NULL}, nic = {&host, &core, NULL, NULL};
static struct tap t;
static const struct tn_vhost *vh;
static struct tn_as *const as = (struct tn_as *)&ram;

static void end(void)
{
    tap_vhost_free(&t);
}

static int begin(void)
{
    end();
    memset(&kernel, 0, sizeof kernel);
    kernel.ring[0].backend = kernel.ring[1].backend = -1;
    kernel.offered = 1ull << 32 | 1ull << 29 | 1ull << 28 | 1ull << 15 | 1ull << 33 | 1ull << 27;
    kicked = 0;
    t = (struct tap){
        .d = &tap_dev, .loop = &loop, .os = &os, .nq = 1, .vhostfd = "0", .poll_us = 50};
    t.q[0].fd = 77;
    return tap_vhost_open(&t, NULL);
}

static void begin_open(void)
{
    CHECK_EQ(begin(), 0);
    vh = tap_vhost_iface(&t, TN_VHOST_1);
    CHECK(vh != NULL);
    CHECK_EQ(vh->open(&t, &nic, 2, NULL, NULL, NULL), 0);
    uint64_t f[2] = {1ull << 32 | 1ull << 28, 0};
    CHECK_EQ(vh->negotiated(&t, f, 2, as), 0);
}

static const struct tn_vq rx = {.struct_size = sizeof rx,
                                .index = 0,
                                .size = 256,
                                .desc = LOW,
                                .driver = LOW + 0x1000,
                                .device = HIGH};

static int stopped_err;
static uint64_t stopped_base;
static uint32_t stops;
static void stopped(void *arg, int err, uint64_t base)
{
    CHECK(arg == &stops);
    stops++;
    stopped_err = err;
    stopped_base = base;
}

TEST(only_what_the_worker_can_is_offered)
{
    begin_open();
    uint64_t f[2] = {~0ull, 0};
    CHECK_EQ(vh->features(&t, f, 2), 0);
    CHECK(f[0] & 1ull << 32 && f[0] & 1ull << 29 && f[0] & 1ull << 15);
    CHECK(!(f[0] & 1ull << 34)); /* packed: the kernel did not say so */
    CHECK(!(f[0] & 1ull << 33)); /* ACCESS_PLATFORM: there is no IOTLB */
    CHECK(f[0] & 1ull << 5);     /* MAC: none of the worker's business */
    CHECK_EQ(kernel.acked, 1ull << 32 | 1ull << 28);
    CHECK_STR(needed, "ioctl-vhost");
}

TEST(the_worker_hears_of_memory)
{
    begin_open();
    CHECK_EQ(kernel.nmem, 2);
    CHECK_EQ(kernel.mem[0].guest_phys_addr, LOW);
    CHECK_EQ(kernel.mem[0].userspace_addr, (uintptr_t)ram[0]);
    CHECK_EQ(kernel.mem[1].memory_size, RAM);
    listener->begin(listener_arg);
    listener->unmap(listener_arg, HIGH, RAM);
    CHECK_EQ(map_at(2 * HIGH, ram[1], RAM, TN_MEM_RAM), 0);
    CHECK_EQ(listener->commit(listener_arg, 2), 0);
    CHECK_EQ(kernel.tables, 2);
    CHECK_EQ(kernel.nmem, 2);
    CHECK_EQ(kernel.mem[1].guest_phys_addr, 2 * HIGH);
    for (uint32_t i = 0; i < VHOST_MEM_MOST - 2; i++)
        CHECK_EQ(map_at(0x10000000 + i * RAM, ram[0], RAM, TN_MEM_RAM), 0);
    CHECK_EQ(map_at(0x20000000, ram[0], RAM, TN_MEM_RAM), -ENOSPC);
}

TEST(a_ring_starts_where_it_is)
{
    begin_open();
    CHECK_EQ(vh->queue_start(&t, &rx, 5, 6, 42), 0);
    const struct fake_ring *r = &kernel.ring[0];
    CHECK_EQ(r->num, 256);
    CHECK_EQ(r->base, 42);
    CHECK_EQ(r->kick, 5);
    CHECK_EQ(r->call, 6);
    CHECK_EQ(r->poll, 50);
    CHECK_EQ(r->addr.desc_user_addr, (uintptr_t)ram[0]);
    CHECK_EQ(r->addr.avail_user_addr, (uintptr_t)ram[0] + 0x1000);
    CHECK_EQ(r->addr.used_user_addr, (uintptr_t)ram[1]);
    CHECK_EQ(r->backend, 77);
    CHECK_EQ(kernel.ring[1].backend, -1);
}

TEST(a_ring_outside_of_memory_does_not_start)
{
    begin_open();
    const uint64_t bad[] = {0, LOW + RAM - 16 * 256 + 1, 0xe0000000, ~0ull, ~0ull - 16 * 256};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tn_vq q = rx;
        q.desc = bad[i];
        CHECK_EQ(vh->queue_start(&t, &q, 5, 6, 0), -EFAULT);
        CHECK_EQ(kernel.ring[0].backend, -1);
    }
    struct tn_vq q = rx;
    q.index = 2;
    CHECK_EQ(vh->queue_start(&t, &q, 5, 6, 0), -EINVAL);
}

TEST(a_stop_is_answered_later_with_the_index)
{
    begin_open();
    CHECK_EQ(vh->queue_start(&t, &rx, 5, 6, 42), 0);
    stops = 0;
    CHECK_EQ(vh->queue_stop(&t, 0, stopped, &stops), TN_PENDING);
    CHECK_EQ(stops, 0);
    CHECK_EQ(kicked, 1);
    kernel.ring[0].base = 99;
    bh_fn(bh_arg);
    CHECK_EQ(stops, 1);
    CHECK_EQ(stopped_err, 0);
    CHECK_EQ(stopped_base, 99);
    CHECK_EQ(kernel.ring[0].backend, -1);
    bh_fn(bh_arg);
    CHECK_EQ(stops, 1);
}

TEST(a_ring_is_switched_off_and_on)
{
    begin_open();
    vh->queue_enable(&t, 0, 0); /* before it starts, too */
    CHECK_EQ(vh->queue_start(&t, &rx, 5, 6, 0), 0);
    CHECK_EQ(kernel.ring[0].backend, -1);
    vh->queue_enable(&t, 0, 1);
    CHECK_EQ(kernel.ring[0].backend, 77);
    vh->queue_enable(&t, 0, 0);
    CHECK_EQ(kernel.ring[0].backend, -1);
    vh->queue_enable(&t, 1000, 1);
}

TEST(one_front_end_at_a_time)
{
    begin_open();
    CHECK(tap_vhost_owns(&t));
    CHECK_EQ(vh->open(&t, &nic, 2, NULL, NULL, NULL), -EBUSY);
    CHECK_EQ(vh->queue_start(&t, &rx, 5, 6, 0), 0);
    stops = 0;
    CHECK_EQ(vh->queue_stop(&t, 0, stopped, &stops), TN_PENDING);
    vh->close(&t);
    CHECK_EQ(stops, 1); /* no later than that */
    CHECK(!listener);
    CHECK(!tap_vhost_owns(&t));
    CHECK_EQ(vh->open(&t, &nic, 4, NULL, NULL, NULL), -EINVAL); /* a worker for each pair */
    CHECK_EQ(vh->open(&t, &nic, 3, NULL, NULL, NULL), 0);       /* the control queue needs none */
}

TEST(a_worker_that_cannot_be_had)
{
    begin();
    end();
    kernel.fail = EBUSY;
    t = (struct tap){.d = &tap_dev, .loop = &loop, .os = &os, .nq = 1, .vhostfd = "0"};
    CHECK_EQ(tap_vhost_open(&t, NULL), -EBUSY);
    CHECK(strstr(said, "vhost_set_owner failed"));
    CHECK(!tap_vhost_iface(&t, TN_VHOST_1));
    t = (struct tap){.d = &tap_dev, .loop = &loop, .os = &os, .nq = 1};
    CHECK_EQ(tap_vhost_open(&t, NULL), 0); /* nobody asked for it */
    CHECK(!tap_vhost_iface(&t, TN_VHOST_1));
}

int main(void)
{
    RUN(only_what_the_worker_can_is_offered);
    RUN(the_worker_hears_of_memory);
    RUN(a_ring_starts_where_it_is);
    RUN(a_ring_outside_of_memory_does_not_start);
    RUN(a_stop_is_answered_later_with_the_index);
    RUN(a_ring_is_switched_off_and_on);
    RUN(one_front_end_at_a_time);
    RUN(a_worker_that_cannot_be_had);
    end();
    return tap_done();
}
