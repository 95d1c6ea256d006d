/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared part of virtio transports without a host: a child that does as it is told, tables of
 * the host that count calls, and the promises that the child relies on, checked at each call.
 * For test_virtio_transport.c and transport_fuzz.c. */
#ifndef TN_TESTS_VT_RIG_H
#define TN_TESTS_VT_RIG_H
#include "virtio-transport/transport.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RIG_QUEUES = 3, RIG_CONFIG = 16 };

struct rig {
    struct tn_dev dev, child_dev;
    struct tn_host host;
    struct tn_core core;
    struct tn_loop loop;
    struct tn_os os;
    struct vt vt;
    struct vt *v; /* the transport that is tested: vt, or one around it */
    struct vt_child slot;
    /* what the child does */
    uint32_t stop_later, reset_later, start_fails, refuses;
    uint64_t offers[TN_VIRTIO_FEATURE_WORDS];
    /* what it was told */
    uint32_t running, stopping, resetting; /* bits of queues; bits; flag */
    uint32_t starts, stops, resets, kicks[RIG_QUEUES], kick_data, negotiations;
    struct tn_vq last;
    uint64_t features;
    uint32_t vq_flags;
    uint8_t config[RIG_CONFIG];
    /* what the transport and the host were told */
    uint32_t interrupts[RIG_QUEUES], config_interrupts, transport_resets, doors, no_dma;
    uint32_t errors, quiesced, kicked, stalls, unstalls;
    uint64_t tokens;
    const char *broken_promise; /* NULL: none */
};

static struct rig *rig_of_dev(struct tn_dev *d)
{
    return d->self;
}

#define RIG_STR(x)  #x
#define RIG_LINE(x) RIG_STR(x)
#define RIG_PROMISE(r, x) \
    ((x) ? 0 : ((r)->broken_promise = __FILE__ ":" RIG_LINE(__LINE__) " " #x, 0))

/* ---- the host ---- */

static void rig_fail(struct tn_err *e, int err, const char *file, int line, const char *fmt, ...)
{
    (void)e;
    (void)err;
    (void)file;
    (void)line;
    (void)fmt;
}

static void rig_guest_error(struct tn_dev *d, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap); /* the sanitizer sees its arguments */
    va_end(ap);
    rig_of_dev(d)->errors++;
}

static void rig_warn(struct tn_dev *d, const char *fmt, ...)
{
    (void)d;
    (void)fmt;
}

static int rig_bus_create(struct tn_dev *d, const struct tn_bus_type *t, const char *name,
                          const void *port_ops, void *bus, struct tn_bus **out, struct tn_err *e)
{
    (void)d;
    (void)t;
    (void)name;
    (void)port_ops;
    (void)bus;
    (void)out;
    (void)e;
    return 0;
}

static void rig_quiesced(struct tn_dev *d, int err)
{
    struct rig *r = rig_of_dev(d);
    RIG_PROMISE(r, !r->running && !r->stopping && err == 0);
    r->quiesced++;
}

static int rig_stall(struct tn_dev *d, uint64_t *token)
{
    struct rig *r = rig_of_dev(d);
    r->stalls++;
    *token = ++r->tokens;
    return 0;
}

static void rig_unstall(struct tn_dev *d, uint64_t token)
{
    struct rig *r = rig_of_dev(d);
    RIG_PROMISE(r, token == r->tokens);
    r->unstalls++;
}

static const void *rig_get(const struct tn_host *h, const char *id)
{
    const struct rig *r = (const void *)((const char *)h - offsetof(struct rig, host));
    return strcmp(id, TN_LOOP_1) == 0 ? (const void *)&r->loop
           : strcmp(id, TN_OS_1) == 0 ? (const void *)&r->os
                                      : NULL;
}

static struct tn_bh *rig_bh(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, void (*fn)(void *),
                            void *s)
{
    (void)c;
    (void)flags;
    (void)fn;
    (void)s;
    return (struct tn_bh *)(void *)d;
}

static void rig_kick(struct tn_bh *b)
{
    rig_of_dev((struct tn_dev *)(void *)b)->kicked = 1;
}

static int rig_eventfd(struct tn_dev *d)
{
    (void)d;
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

/* ---- the child ---- */

static int rig_features(void *s, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    struct rig *r = s;
    (void)e;
    for (uint32_t i = 0; i < nwords; i++)
        f[i] |= r->offers[i];
    return 0;
}

static int rig_negotiated(void *s, const uint64_t *f, uint32_t nwords, uint32_t vq_flags)
{
    struct rig *r = s;
    (void)nwords;
    RIG_PROMISE(r, !r->running && !r->stopping);
    r->negotiations++;
    r->features = f[0];
    r->vq_flags = vq_flags;
    return r->refuses && !(vq_flags & TN_VQ_LEGACY) ? -EINVAL : 0;
}

static void rig_config_read(void *s, uint32_t off, void *buf, uint32_t len)
{
    struct rig *r = s;
    RIG_PROMISE(r, off < RIG_CONFIG && len <= RIG_CONFIG - off);
    memcpy(buf, r->config + off, len);
}

static void rig_config_write(void *s, uint32_t off, const void *buf, uint32_t len)
{
    struct rig *r = s;
    RIG_PROMISE(r, off < RIG_CONFIG && len <= RIG_CONFIG - off);
    memcpy(r->config + off, buf, len);
}

static int rig_queue_start(void *s, const struct tn_vq *q)
{
    struct rig *r = s;
    uint32_t bit = 1u << q->index;
    RIG_PROMISE(r, q->index < RIG_QUEUES && !((r->running | r->stopping) & bit));
    RIG_PROMISE(r, !r->resetting && q->size && q->size <= r->v->q[q->index].max);
    r->last = *q;
    if (r->start_fails)
        return -EINVAL;
    r->starts++;
    r->running |= bit;
    return 0;
}

static int rig_queue_stop(void *s, uint32_t q)
{
    struct rig *r = s;
    uint32_t bit = 1u << q;
    RIG_PROMISE(r, r->running & bit);
    r->running &= ~bit;
    r->stops++;
    if (!r->stop_later)
        return 0;
    r->stopping |= bit;
    return TN_PENDING;
}

static int rig_child_reset(void *s)
{
    struct rig *r = s;
    RIG_PROMISE(r, !r->running && !r->stopping && !r->resetting);
    r->resets++;
    r->resetting = r->reset_later != 0;
    return r->resetting ? TN_PENDING : 0;
}

static void rig_child_kick(void *s, uint32_t q, uint32_t data)
{
    struct rig *r = s;
    RIG_PROMISE(r, q < RIG_QUEUES && (r->running & 1u << q));
    r->kicks[q]++;
    r->kick_data = data;
}

static const struct tn_virtio_ops rig_child = {.struct_size = sizeof rig_child,
                                               .device_id = 63,
                                               .features = rig_features,
                                               .negotiated = rig_negotiated,
                                               .config_read = rig_config_read,
                                               .config_write = rig_config_write,
                                               .queue_start = rig_queue_start,
                                               .queue_stop = rig_queue_stop,
                                               .reset = rig_child_reset,
                                               .kick = rig_child_kick};

/* ---- the transport ---- */

static int rig_plugged(void *t, struct tn_err *e)
{
    (void)t;
    (void)e;
    return 0;
}

static void rig_reset(void *t)
{
    ((struct rig *)t)->transport_resets++;
}

static void rig_queue_interrupt(void *t, uint32_t q)
{
    ((struct rig *)t)->interrupts[q]++;
}

static void rig_config_interrupt(void *t)
{
    ((struct rig *)t)->config_interrupts++;
}

static bool rig_doorbell(void *t, uint32_t q, bool on)
{
    struct rig *r = t;
    RIG_PROMISE(r, !(r->doors & 1u << q) == on);
    r->doors ^= 1u << q;
    return true;
}

static int rig_call_fd(void *t, uint32_t q)
{
    (void)t;
    (void)q;
    return 0;
}

static bool rig_may_dma(void *t)
{
    return !((struct rig *)t)->no_dma;
}

static struct tn_as *rig_dma(void *t, bool translated)
{
    (void)translated;
    return t;
}

static const struct vt_hooks rig_hooks = {.plugged = rig_plugged,
                                          .reset = rig_reset,
                                          .queue_interrupt = rig_queue_interrupt,
                                          .config_interrupt = rig_config_interrupt,
                                          .doorbell = rig_doorbell,
                                          .may_dma = rig_may_dma,
                                          .call_fd = rig_call_fd,
                                          .dma = rig_dma};

/* ---- for tests ---- */

/* The host's tables, and what the child offers. */
static void rig_tables(struct rig *r)
{
    *r = (struct rig){
        .host = {.struct_size = sizeof r->host, .get = rig_get},
        .core = {.struct_size = sizeof r->core,
                 .fail = rig_fail,
                 .guest_error = rig_guest_error,
                 .warn = rig_warn,
                 .bus_create = rig_bus_create,
                 .quiesced = rig_quiesced,
                 .stall = rig_stall,
                 .unstall = rig_unstall},
        .loop = {.struct_size = sizeof r->loop, .bh = rig_bh, .kick = rig_kick},
        .os = {.struct_size = sizeof r->os, .eventfd = rig_eventfd},
        .offers = {0xff, 1},
    };
    r->dev = (struct tn_dev){&r->host, &r->core, NULL, r};
    r->slot.v.features = VIRTIO_BIT(VIRTIO_F_RING_RESET) | VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX) |
                         VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC) | VIRTIO_LEGACY_BITS;
}

/* The child on the bus of v, which runs. */
static void rig_attach(struct rig *r, struct vt *v)
{
    static const uint16_t sizes[RIG_QUEUES] = {256, 8, 0x8000};
    const struct tn_virtio_setup u = {.struct_size = sizeof u,
                                      .config_len = RIG_CONFIG,
                                      .nqueues = RIG_QUEUES,
                                      .max_size = sizes};
    r->v = v;
    v->compat = 3;
    vt_realize(v, NULL);
    vt_bus_type.attach(v, &r->slot, &r->child_dev, &rig_child, r, NULL);
    vt_port.setup(&r->slot, &u, NULL);
    vt_port.kick_fd(&r->slot, 0);
    vt_bus_type.plugged(v, &r->slot, NULL);
    vt_resume(v);
}

static inline void rig_init(struct rig *r)
{
    rig_tables(r);
    r->vt.modern = r->vt.legacy = true;
    vt_init(&r->vt, &r->dev, &rig_hooks, r);
    rig_attach(r, &r->vt);
}

static void rig_fini(struct rig *r)
{
    for (uint32_t i = 0; i < r->v->nqueues; i++) {
        if (r->v->q[i].kick_fd >= 0)
            close(r->v->q[i].kick_fd);
        if (r->v->q[i].call_fd >= 0)
            close(r->v->q[i].call_fd);
    }
    vt_fini(r->v);
}

/* The child's completions, and the bottom half that they ask for. */
static void rig_run(struct rig *r)
{
    if (r->kicked) {
        r->kicked = 0;
        vt_progress(r->v);
    }
}

static inline void rig_stopped(struct rig *r)
{
    uint32_t done = r->stopping;
    r->stopping = 0;
    for (uint32_t i = 0; i < RIG_QUEUES; i++)
        if (done & 1u << i)
            vt_port.queue_stopped(&r->slot, i, 0);
    rig_run(r);
}

static inline void rig_reset_done(struct rig *r)
{
    if (r->resetting) {
        r->resetting = 0;
        vt_port.reset_done(&r->slot, 0);
    }
    rig_run(r);
}

#endif
