/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices on the virtio-bus: virtio.h, and Virtual I/O Device 1.3. The transport and the driver are
 * the suite's. */
#include "drive.h"
#include "host_pci.h"
#include "stand_in.h"
#include "virtio_drive.h"
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

enum { BATCHES = 40, CONFIG_MAX = 4096 };
#define BIT(n) ((uint64_t)1 << (n))

/* The device itself: the class, or what a pair has behind its transport. */
static const struct tn_class *device_of(const struct check *c)
{
    return c->pair ? c->pair->child : c->cls;
}

static const char *needs_virtio(const struct check *c)
{
    const char *bus = device_of(c)->bus;
    return bus && strcmp(bus, TN_VIRTIO_BUS) == 0 ? NULL : "it is not on the virtio-bus";
}

/* What a transport does not show to a driver. */
static const char *needs_port(const struct check *c)
{
    return c->pair ? "it is tested with the device alone" : needs_virtio(c);
}

static const struct tn_virtio_ops *ops_of(const struct check *c)
{
    return device_of(c)->bus_ops;
}

/* Of a transport that is a plugin's, too: what a driver reaches of the device. */
static struct vport *port_of(struct check *c, struct dev *d)
{
    struct vport *v = vport_of(d);
    if (!v)
        check_skip(c, "the suite has no driver for its transport");
    return v;
}

/* ---- features: 2.2, 6 ---- */

/* What a device type may offer of the bits that are its own: 0 to 23 and, from 50 on, more; of the
 * types known here, those that are defined (5.1.3, 5.2.3, 5.3.3, 5.4.3). */
static uint64_t defined(uint32_t device)
{
    switch (device) {
    case VIRTIO_ID_NET:
        return 0xfffc000000ffffefu;
    case VIRTIO_ID_BLOCK:
        return 0x3ffff;
    case VIRTIO_ID_CONSOLE:
        return 7;
    case VIRTIO_ID_RNG:
        return 0;
    default:
        return 0xfffc000000ffffffu;
    }
}

static void offered(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    const struct vport *v = port_of(c, d);
    const uint64_t rings = 0x3ffffff000000u; /* 24 to 49: of rings and transports */
    uint64_t f = v->offered[0], own = f & ~rings;
    uint32_t type = v->setup.device_id ? v->setup.device_id : ops_of(c)->device_id;
    CHECK(c, f & BIT(VIRTIO_F_VERSION_1), "VIRTIO_F_VERSION_1 was taken away");
    CHECK(c, !(f & rings & ~(v->child.features | BIT(VIRTIO_F_VERSION_1))),
          "ring or transport features 0x%llx are offered that the bus does not allow",
          (unsigned long long)(f & rings & ~(v->child.features | BIT(VIRTIO_F_VERSION_1))));
    CHECK(c, !(own & ~defined(type)), "features 0x%llx are offered that type %u does not define",
          (unsigned long long)(own & ~defined(type)), type);
    check_end(c, h, d);
}

static void subsets(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = vdrive_start(c, &h, ~(uint64_t)0);
    struct vport *v = port_of(c, d);
    const uint64_t all[2] = {~(uint64_t)0, ~(uint64_t)0}, least[2] = {BIT(VIRTIO_F_VERSION_1), 0};
    CHECK(c, vport_negotiate(v, all) == 0, "all that is offered is refused: 0x%llx",
          (unsigned long long)v->offered[0]);
    vport_reset(v);
    CHECK(c, vport_negotiate(v, least) == 0, "VIRTIO_F_VERSION_1 alone is refused");
    vport_reset(v);
    for (uint32_t i = 0; i < 64; i++) {
        uint64_t some[2] = {rng_next(&c->rng) | BIT(VIRTIO_F_VERSION_1), rng_next(&c->rng)};
        if (vport_negotiate(v, some) == 0 && i % 4 == 0)
            vport_start_all(v, 0x10000, 64);
        host_run(h, 1000000);
        vport_reset(v);
    }
    check_end(c, h, d);
}

/* ---- what setup() said: 2.5, 2.7 ---- */

static void setup(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    const struct vport *v = port_of(c, d);
    CHECK(c, v->setup.nqueues, "it has no queue");
    CHECK(c, v->setup.config_len <= CONFIG_MAX, "its configuration has %u bytes",
          v->setup.config_len);
    for (uint32_t q = 0; q < v->setup.nqueues; q++)
        CHECK(c, ops_of(c)->flags & TN_VIO_NO_PACKED || !(v->q[q].max & (v->q[q].max - 1)),
              "queue %u has %u descriptors: no power of two (2.7)", q, v->q[q].max);
    check_end(c, h, d);
}

static void config(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    struct vport *v = port_of(c, d);
    uint8_t buf[CONFIG_MAX + 16], all[CONFIG_MAX];
    uint32_t len = v->setup.config_len;
    if (!len)
        check_skip(c, "it has no configuration");
    vport_config_read(v, 0, all, len);
    for (uint32_t off = 0; off < len; off++)
        for (uint32_t n = 1; n <= 8 && n <= len - off; n++) {
            memset(buf, 0xa5, sizeof buf);
            vport_config_read(v, off, buf + 8, n);
            CHECK(c, memcmp(buf + 8, all + off, n) == 0,
                  "%u bytes of configuration at %u are not what a read of all shows", n, off);
            for (uint32_t i = 0; i < 8; i++)
                CHECK(c, buf[i] == 0xa5 && buf[8 + n + i] == 0xa5,
                      "config_read of %u bytes at %u wrote beside its buffer", n, off);
        }
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t off = rng_below(&c->rng, len), n = 1 + rng_below(&c->rng, 8);
        uint64_t x = rng_value(&c->rng);
        vport_config_write(v, off, &x, n <= len - off ? n : len - off);
    }
    vport_reset(v);
    check_end(c, h, d);
}

/* ---- rings ---- */

/* Combinations of what a device offers: each is a device that works. */
static const uint64_t ring_modes[] = {
    0,
    BIT(VIRTIO_RING_F_INDIRECT_DESC),
    BIT(VIRTIO_RING_F_EVENT_IDX),
    BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX),
    BIT(VIRTIO_F_IN_ORDER),
    BIT(VIRTIO_F_RING_PACKED),
    BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_RING_F_INDIRECT_DESC),
    BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC),
    BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_IN_ORDER),
};
#define RING_BITS                                                                               \
    (BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_F_IN_ORDER) | \
     BIT(VIRTIO_F_RING_PACKED))

/* 0: this device does not offer them. */
static int open_mode(struct vdrive *x, struct check *c, struct dev *d, uint64_t mode)
{
    struct vport *v = port_of(c, d);
    if ((v->offered[0] & mode) != mode)
        return 0;
    vdrive_open(x, c, d, ~RING_BITS | mode);
    return 1;
}

static void works(struct check *c)
{
    uint32_t tried = 0;
    for (size_t i = 0; i < sizeof ring_modes / sizeof ring_modes[0]; i++) {
        struct host *h = NULL;
        struct dev *d = vdrive_start(c, &h, RING_BITS);
        struct vdrive *x = vdrive_new();
        if (open_mode(x, c, d, ring_modes[i])) {
            check_note(c, "ring features 0x%llx", (unsigned long long)ring_modes[i]);
            vdrive_traffic(x, BATCHES);
            vdrive_expect_done(x);
            tried++;
        }
        check_end(c, h, d);
        vdrive_free(x);
    }
    check_note(c, "%u combinations of ring features", tried);
}

/* Memory as a device does not like it: it works all the same, or is broken and says so. */
static void memory(struct check *c)
{
    for (uint32_t mode = 0; mode < DMA_MODES; mode++) {
        struct host *h = host_new(c);
        h->dma_mode = mode;
        struct dev *d = vdrive_start(c, &h, RING_BITS);
        struct vdrive *x = vdrive_new();
        check_note(c, "DMA mode %u", mode);
        vdrive_open(x, c, d, ~RING_BITS);
        vdrive_traffic(x, BATCHES / 2);
        if (mode != DMA_FAIL)
            vdrive_expect_done(x);
        check_end(c, h, d);
        vdrive_free(x);
    }
}

/* Quiet in the middle of requests, and on; stopped and started queue by queue (2.6.1). */
static void stop_and_go(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = vdrive_start(c, &h, RING_BITS);
    struct vdrive *x = vdrive_new();
    vdrive_open(x, c, d, ~(BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_IN_ORDER)));
    for (uint32_t i = 0; i < BATCHES; i++) {
        vdrive_give(x);
        CHECK(c, dev_quiesce(d, 1 + rng_below(&c->rng, TN_Q_MEMORY)) == 0,
              "it does not come to rest");
        uint64_t at_rest = ram_sum(h);
        host_run(h, 10000000);
        CHECK(c, ram_sum(h) == at_rest, "RAM changes while the device is at rest");
        dev_resume(d);
        vdrive_traffic(x, 1);
    }
    vdrive_expect_done(x);
    check_end(c, h, d);
    vdrive_free(x);
}

static void queue_reset(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = vdrive_start(c, &h, RING_BITS);
    struct vport *v = port_of(c, d);
    struct vdrive *x = vdrive_new();
    if (!(v->offered[0] & BIT(40)))
        check_skip(c, "it does not offer VIRTIO_F_RING_RESET");
    vdrive_open(x, c, d, ~(BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_IN_ORDER)));
    for (uint32_t i = 0; i < BATCHES; i++) {
        uint32_t q = rng_below(&c->rng, x->n);
        vdrive_give(x);
        vport_stop(v, q);
        vdrive_reopen(x, q);
        vdrive_traffic(x, 1);
    }
    vdrive_expect_done(x);
    check_end(c, h, d);
    vdrive_free(x);
}

/* 2.1.2, 2.4.1: all is as it was at the beginning. */
static void reset(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = vdrive_start(c, &h, RING_BITS);
    struct vport *v = port_of(c, d);
    struct st_part fresh = {0}, now = {0};
    BUF_AUTO where = {0};
    vport_reset(v);
    int saved = drive_save(d, &fresh);
    for (uint32_t i = 0; i < 8; i++) {
        struct vdrive *x = vdrive_new();
        vdrive_open(x, c, d, ~(BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_IN_ORDER)));
        vdrive_traffic(x, 4);
        vdrive_give(x);
        vport_reset(v);
        uint64_t after = ram_sum(h);
        host_run(h, 100000000);
        CHECK(c, ram_sum(h) == after, "RAM changes after the device was reset");
        vdrive_free(x);
    }
    if (saved == 0 && drive_save(d, &now) == 0)
        CHECK(c, !st_differs(&fresh, &now, c->o->sticky, &where),
              "after a reset the state is not that of a fresh device: %s", buf_cstr(&where));
    st_free(&fresh);
    st_free(&now);
    check_end(c, h, d);
}

/* TN_VQ_RESTORE: another instance goes on with what was in the rings. */
static void in_flight(struct check *c)
{
    for (uint32_t i = 0; i < 12; i++) {
        struct host *h = NULL, *other = NULL;
        struct dev *d = vdrive_start(c, &h, RING_BITS), *to = vdrive_start(c, &other, RING_BITS);
        struct vdrive *x = vdrive_new(), *y = vdrive_new();
        struct st_part saved = {0};
        struct tn_err e = {0};
        vdrive_open(x, c, d, i % 2 ? ~BIT(VIRTIO_F_RING_PACKED) : ~(uint64_t)0);
        vdrive_traffic(x, 3);
        vdrive_give(x);
        if (dev_quiesce(d, TN_Q_SAVE) < 0 || dev_save(d, &saved, &e) < 0)
            check_skip(c, "it cannot be saved: %s", e.text);
        dev_quiesce(to, TN_Q_RESET);
        dev_reset(to, TN_RESET_COLD);
        vdrive_follow(y, x, to);
        if (dev_load(to, &saved, &e) < 0)
            check_fail(c, "it does not load what it saved with requests in flight: %s", e.text);
        dev_resume(to);
        if (to->pci)
            pci_tell(to);
        vdrive_traffic(y, 3);
        vdrive_expect_done(y);
        st_free(&saved);
        check_end(c, h, d);
        check_end(c, other, to);
        vdrive_free(x);
        vdrive_free(y);
    }
}

static const char *needs_saved(const struct check *c)
{
    return needs_virtio(c) ? needs_virtio(c) : c->cls->state ? NULL : "it saves no state";
}

/* ---- rings that are broken: 2.7.5, 2.8: NEEDS_RESET at most, and nothing else ---- */

static void broken(struct check *c)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 160; i++) {
        struct host *h = NULL;
        struct dev *d = vdrive_start(c, &h, RING_BITS);
        struct vport *v = port_of(c, d);
        struct vdrive *x = vdrive_new();
        if (open_mode(x, c, d, ring_modes[i % (sizeof ring_modes / sizeof ring_modes[0])])) {
            vdrive_traffic(x, 1);
            vdrive_break(x);
            seen += (uint32_t)vport_broken(v);
            vport_reset(v);
            vdrive_open(x, c, d, ~(BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_IN_ORDER)));
            vdrive_traffic(x, 2);
            CHECK(c, !vport_broken(v), "it is broken again after a reset, with rings that are not");
            vdrive_expect_done(x);
        }
        check_end(c, h, d);
        vdrive_free(x);
    }
    check_note(c, "NEEDS_RESET was seen %u times", seen);
}

static void one_walk(struct check *c, uint32_t steps)
{
    struct host *h = NULL;
    struct dev *d = vdrive_start(c, &h, RING_BITS);
    struct vport *v = port_of(c, d);
    struct vdrive *x = vdrive_new();
    vdrive_open(x, c, d, rng_next(&c->rng) | BIT(VIRTIO_F_VERSION_1));
    for (uint32_t i = 0; i < steps; i++) {
        uint64_t value = rng_value(&c->rng);
        switch (rng_below(&c->rng, 8)) {
        case 0:
            vdrive_break(x);
            break;
        case 1:
            vport_kick(v, rng_below(&c->rng, v->setup.nqueues), (uint32_t)value);
            break;
        case 2:
            vport_config_write(v, rng_below(&c->rng, v->setup.config_len + 1), &value,
                               1 + rng_below(&c->rng, 8));
            break;
        case 3:
            vdrive_outside(x);
            break;
        case 4:
            vdrive_random_requests(x);
            break;
        default:
            host_run(h, rng_below(&c->rng, 1000000));
        }
    }
    check_end(c, h, d);
    vdrive_free(x);
}

/* Requests that make no sense in rings that do, and rings that do not. */
static void hostile(struct check *c)
{
    for (uint32_t i = 0; i < 40; i++)
        one_walk(c, 100);
}

static const struct check_test tests[] = {
    {"offered", "features are those that the bus allows and the device type defines",
     "virtio 1.3 2.2, 6", CT_CLASS, needs_virtio, offered},
    {"subsets",
     "all that is offered, VERSION_1 alone, and any subset: accepted or refused at FEATURES_OK",
     "virtio 1.3 2.2.1, 3.1.1", CT_CLASS, needs_virtio, subsets},
    {"setup", "queues and their sizes, and the length of the configuration",
     "virtio.h: struct tn_virtio_setup", CT_CLASS, needs_port, setup},
    {"config", "the configuration is read in any piece, and written, within its bounds",
     "virtio.h: config_read, config_write", CT_CLASS, needs_port, config},
    {"works", "split and packed rings, indirect descriptors, event index, in order: as offered",
     "virtio 1.3 2.7, 2.8", CT_CLASS | CT_LONG, needs_virtio, works},
    {"memory",
     "rings and buffers in memory that is translated, not mapped, mapped in pieces, or gone",
     "dma.h", CT_CLASS | CT_LONG, needs_virtio, memory},
    {"stop-and-go",
     "quiet with requests in the rings: nothing is lost, nothing is written meanwhile",
     "virtio.h: queue_stop, TN_VQ_RESTORE", CT_CLASS | CT_LONG, needs_virtio, stop_and_go},
    {"queue-reset", "a queue is reset and used again while others work", "virtio 1.3 2.6.1",
     CT_CLASS | CT_LONG, needs_virtio, queue_reset},
    {"reset", "a reset with requests in flight leaves a fresh device, and RAM alone",
     "virtio 1.3 2.1.2, 2.4", CT_CLASS | CT_LONG, needs_virtio, reset},
    {"in-flight", "saved with requests in the rings, another instance answers them",
     "virtio.h: TN_VQ_RESTORE", CT_CLASS | CT_LONG, needs_saved, in_flight},
    {"broken-rings", "a broken ring leads to NEEDS_RESET at most; a reset mends it",
     "virtio 1.3 2.1.2, 2.7.5, 2.8", CT_CLASS | CT_LONG, needs_virtio, broken},
    {"hostile", "requests of anything, rings of anything",
     "docs/abi.md: A guest never causes an error", CT_CLASS | CT_LONG, needs_virtio, hostile},
    {0},
};

const struct check_group group_virtio = {"virtio", tests};
