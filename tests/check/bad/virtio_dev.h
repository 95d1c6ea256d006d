/* SPDX-License-Identifier: BSD-2-Clause */
/* The small conforming device on the virtio-bus: a queue that it never serves (virtio_disk.h does)
 * and eight bytes of configuration; broken by macros. */
#ifndef OFFER
#define OFFER(f)
#endif
#ifndef AGREE
#define AGREE 0
#endif
#ifndef QUEUE_SIZE
#define QUEUE_SIZE 64
#endif
#ifndef IN_CONFIG_READ
#define IN_CONFIG_READ(s, off, buf, len)
#endif
#ifndef IN_START
#define IN_START(s)
#endif
#ifndef IN_DEVICE_RESET
#define IN_DEVICE_RESET(s)
#endif
#ifndef VOPS
#define VOPS .flags = 0
#endif
#ifndef IN_STOP
#define IN_STOP(s)
#endif
#ifndef IN_SETUP
#define IN_SETUP(s, port, p, e)
#endif
#include <tenon/virtio.h>

static const struct tn_virtio_ops vops;

#define IN_REALIZE(s, e)                                                                 \
    do {                                                                                 \
        static const uint16_t sizes[] = {QUEUE_SIZE};                                    \
        void *p_ = NULL;                                                                 \
        const struct tn_virtio_port *port_ = s->d->core->port(s->d, &p_);                \
        const struct tn_virtio_setup u_ = {                                              \
            .struct_size = sizeof u_, .config_len = 8, .nqueues = 1, .max_size = sizes}; \
        int r_ = port_->setup(p_, &u_, e);                                               \
        if (r_ < 0)                                                                      \
            return r_;                                                                   \
        IN_SETUP(s, port_, p_, e);                                                       \
    } while (0)
#define EXTRA .desc = "a gadget", .bus = TN_VIRTIO_BUS, .bus_ops = &vops
#include "device.h"

static int features(void *s, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    (void)s, (void)nwords, (void)e;
    (void)f;
    OFFER(f);
    return 0;
}

static int negotiated(void *s, const uint64_t *f, uint32_t nwords, uint32_t flags)
{
    (void)s, (void)f, (void)nwords, (void)flags;
    return AGREE;
}

static void config_read(void *self, uint32_t off, void *buf, uint32_t len)
{
    (void)self;
    memset(buf, 0, len);
    (void)off;
    IN_CONFIG_READ(self, off, buf, len);
}

static int queue_start(void *self, const struct tn_vq *q)
{
    struct gadget *s = self;
    (void)q, (void)s;
    IN_START(s);
    return 0;
}

static int queue_stop(void *self, uint32_t q)
{
    struct gadget *s = self;
    (void)s, (void)q;
    IN_STOP(s);
    return 0;
}

static int device_reset(void *self)
{
    struct gadget *s = self;
    (void)s;
    IN_DEVICE_RESET(s);
    return 0;
}

static const struct tn_virtio_ops vops = {.struct_size = sizeof vops,
                                          .device_id = 63,
                                          .features = features,
                                          .negotiated = negotiated,
                                          .config_read = config_read,
                                          .queue_start = queue_start,
                                          .queue_stop = queue_stop,
                                          .reset = device_reset,
                                          VOPS};
