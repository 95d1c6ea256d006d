/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-net with a vhost back end, in a host made of nothing. */
#ifndef TN_VHOST_RIG_H
#define TN_VHOST_RIG_H
#include "virtio_net.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <tenon/plugin.h>

enum { PAIRS = 4, NQ = 2 * PAIRS + 1, KICK = 100, CALL = 200, OBJECTS = 64 };

#define F(bit) BIT_ULL(NET_F_##bit)
#define V1     BIT_ULL(VIO_F_VERSION_1)

struct started {
    struct tn_vq vq;
    int kick, call;
    uint64_t base;
    uint32_t n;
};

/* Everything that the device sees of a host, and what it has said to it. */
static struct rig {
    struct tn_host host;
    struct tn_core core;
    struct tn_dev dev;
    struct tn_loop loop;
    struct tn_dma dma;
    struct tn_virtio_port port;
    struct tn_netdev netdev;
    uint32_t objects;
    struct virtio_net *n;
    const struct tn_virtio_ops *ops;
    /* transport */
    int eventfds;
    uint32_t config_changes, stopped[NQ], warnings;
    /* back end */
    const struct tn_net_ops *front;
    void *front_s;
    uint32_t hdr_len, attached, closed;
    uint64_t to_guest;
    int open_result;
    uint64_t can, negotiated;
    struct started q[NQ];
    uint8_t enabled[NQ];
    void (*stop_fn)(void *, int, uint64_t);
    void *stop_arg;
    uint32_t nstops;
    struct {
        void (*fn)(void *, int, uint64_t);
        void *arg;
    } stops[NQ];            /* that close() answers */
    struct started own[NQ]; /* by vdev_queue_start() */
    uint32_t answers;       /* of the newest stops, by close() */
    const struct tn_vhost_events *events;
    void *events_s;
} rig;

/* ---- core, loop ---- */

TN_PRINTF(5, 6)
static void c_fail(struct tn_err *e, int err, const char *file, int line, const char *fmt, ...)
{
    (void)e, (void)err, (void)file, (void)line, (void)fmt;
}

TN_PRINTF(2, 3) static void c_warn(struct tn_dev *d, const char *fmt, ...)
{
    (void)d, (void)fmt;
    rig.warnings++;
}

static const void *c_port(struct tn_dev *d, void **p)
{
    (void)d;
    *p = &rig;
    return &rig.port;
}

static const void *h_get(const struct tn_host *h, const char *id)
{
    (void)h;
    return !strcmp(id, TN_LOOP_1)     ? (const void *)&rig.loop
           : !strcmp(id, TN_DMA_1)    ? (const void *)&rig.dma
           : !strcmp(id, TN_NETDEV_1) ? (const void *)&rig.netdev
                                      : NULL;
}

/* Timers, bottom halves and watches are told apart by nobody here. */
static void *object(void)
{
    return (void *)(uintptr_t)(++rig.objects * 16);
}

static struct tn_timer *l_timer(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, uint32_t clk,
                                void (*fn)(void *), void *s)
{
    (void)d, (void)c, (void)flags, (void)clk, (void)fn, (void)s;
    return object();
}

static struct tn_bh *l_bh(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, void (*fn)(void *),
                          void *s)
{
    (void)d, (void)c, (void)flags, (void)fn, (void)s;
    return object();
}

static struct tn_watch *l_fd(struct tn_dev *d, struct tn_ctx *c, uint32_t flags, int fd,
                             uint32_t ev, void (*fn)(void *, uint32_t), void *s)
{
    (void)d, (void)c, (void)flags, (void)fd, (void)ev, (void)fn, (void)s;
    return object();
}

static void l_mask(struct tn_watch *w, uint32_t ev)
{
    (void)w, (void)ev;
}

static void l_disarm(struct tn_timer *t)
{
    (void)t;
}

static void l_kick(struct tn_bh *b)
{
    (void)b;
}

static struct tn_ctx *l_home(struct tn_dev *d)
{
    (void)d;
    return (struct tn_ctx *)&rig;
}

/* ---- transport ---- */

static int p_setup(void *p, const struct tn_virtio_setup *u, struct tn_err *e)
{
    (void)p, (void)e;
    CHECK_EQ(u->nqueues, NQ);
    return 0;
}

static struct tn_as *p_dma(void *p)
{
    return p;
}

static int p_kick_fd(void *p, uint32_t q)
{
    (void)p;
    return rig.eventfds ? KICK + (int)q : -ENOTSUP;
}

static int p_call_fd(void *p, uint32_t q)
{
    (void)p;
    return rig.eventfds ? CALL + (int)q : -ENOTSUP;
}

static void p_config_changed(void *p)
{
    (void)p;
    rig.config_changes++;
}

static void p_queue_stopped(void *p, uint32_t q, int err)
{
    (void)p;
    rig.stopped[q] += err == 0;
}

int __wrap_vdev_queue_start(void *s, const struct tn_vq *q);
int __wrap_vdev_queue_start(void *s, const struct tn_vq *q)
{
    CHECK(s == &rig.n->v);
    rig.own[q->index].vq = *q;
    rig.own[q->index].n++;
    return 0;
}

/* ---- back end ---- */

static int b_attach(struct tn_net *n, struct tn_dev *d, struct tn_ctx *c,
                    const struct tn_net_ops *o, void *s, struct tn_err *e)
{
    (void)n, (void)d, (void)c, (void)e;
    rig.front = o;
    rig.front_s = s;
    return 0;
}

static uint32_t b_queues(struct tn_net *n)
{
    (void)n;
    return PAIRS;
}

static int b_offload(struct tn_net *n, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest)
{
    (void)n, (void)from_guest;
    rig.hdr_len = hdr_len;
    rig.to_guest = to_guest;
    return 0;
}

static int b_fds(struct tn_net *n, int *fd, uint32_t max)
{
    (void)n, (void)fd, (void)max;
    CHECK(!rig.attached); /* vhost has them */
    return -ENOTSUP;
}

static void b_mac(struct tn_dev *d, uint8_t *mac)
{
    (void)d;
    mac[5] = 7;
}

static int v_open(void *v, struct tn_dev *d, uint32_t nqueues, const struct tn_vhost_events *ev,
                  void *s, struct tn_err *e)
{
    (void)v, (void)d, (void)e;
    CHECK_EQ(nqueues, 2 * PAIRS);
    rig.attached = rig.open_result >= 0;
    rig.events = ev;
    rig.events_s = s;
    return rig.open_result;
}

static int v_features(void *v, uint64_t *f, uint32_t nwords)
{
    (void)v, (void)nwords;
    f[0] &= rig.can;
    return 0;
}

static int v_negotiated(void *v, const uint64_t *f, uint32_t nwords, struct tn_as *as)
{
    (void)nwords;
    CHECK(as == v);
    rig.negotiated = f[0];
    return 0;
}

static int v_start(void *v, const struct tn_vq *q, int kick, int call, uint64_t base)
{
    (void)v;
    uint32_t n = rig.q[q->index].n + 1;
    rig.q[q->index] = (struct started){*q, kick, call, base, n};
    return 0;
}

static int v_stop(void *v, uint32_t q, void (*fn)(void *, int, uint64_t), void *arg)
{
    (void)v, (void)q;
    rig.stop_fn = fn;
    rig.stop_arg = arg;
    rig.stops[rig.nstops % NQ].fn = fn;
    rig.stops[rig.nstops++ % NQ].arg = arg;
    return TN_PENDING;
}

static void v_enable(void *v, uint32_t q, uint32_t on)
{
    (void)v;
    CHECK(q < 2 * PAIRS);
    rig.enabled[q] = (uint8_t)on;
}

static void v_close(void *v)
{
    (void)v;
    for (uint32_t i = 0; i < rig.answers; i++)
        rig.stops[rig.nstops - rig.answers + i].fn(rig.stops[rig.nstops - rig.answers + i].arg, 0,
                                                   500 + i);
    rig.answers = 0;
    rig.closed++;
}

static const struct tn_vhost vhost = {.struct_size = sizeof vhost,
                                      .open = v_open,
                                      .features = v_features,
                                      .negotiated = v_negotiated,
                                      .queue_start = v_start,
                                      .queue_stop = v_stop,
                                      .queue_enable = v_enable,
                                      .close = v_close};

static const void *b_iface(struct tn_net *n, const char *id, void **handle)
{
    (void)n;
    *handle = &rig;
    return strcmp(id, TN_VHOST_1) == 0 ? &vhost : NULL;
}

/* ---- the device ---- */

static const struct tn_class *class(void)
{
    return tn_plugin_v1.classes[0];
}

static void set_defaults(struct virtio_net *n)
{
    n->peer = (struct tn_net *)&rig;
    n->wanted = F(CSUM) | F(GUEST_CSUM) | F(HOST_TSO4) | F(GUEST_TSO4) | F(MRG_RXBUF) | F(STATUS) |
                F(CTRL_VQ) | F(CTRL_RX) | F(MQ) | F(RSS) | F(HASH_REPORT) | F(NOTF_COAL);
    n->rx_size = n->tx_size = 256;
    n->tx_burst = 256;
    n->speed = -1;
    n->mtu_bypass = 1;
}

static void prepare(void)
{
    memset(&rig, 0, sizeof rig);
    rig.host = (struct tn_host){.struct_size = sizeof rig.host, .get = h_get};
    rig.core = (struct tn_core){
        .struct_size = sizeof rig.core, .fail = c_fail, .warn = c_warn, .port = c_port};
    rig.loop = (struct tn_loop){.struct_size = sizeof rig.loop,
                                .timer = l_timer,
                                .bh = l_bh,
                                .fd = l_fd,
                                .fd_mask = l_mask,
                                .disarm = l_disarm,
                                .kick = l_kick,
                                .home = l_home};
    rig.port = (struct tn_virtio_port){.struct_size = sizeof rig.port,
                                       .setup = p_setup,
                                       .dma = p_dma,
                                       .kick_fd = p_kick_fd,
                                       .call_fd = p_call_fd,
                                       .config_changed = p_config_changed,
                                       .queue_stopped = p_queue_stopped};
    rig.netdev = (struct tn_netdev){.struct_size = sizeof rig.netdev,
                                    .attach = b_attach,
                                    .queues = b_queues,
                                    .offload = b_offload,
                                    .fds = b_fds,
                                    .get_iface = b_iface,
                                    .mac = b_mac};
    rig.eventfds = 1;
    rig.can = ~0ull;
    rig.n = calloc(1, sizeof *rig.n);
    rig.dev = (struct tn_dev){&rig.host, &rig.core, class(), rig.n};
    rig.ops = class()->bus_ops;
    memset(rig.enabled, 1, sizeof rig.enabled);
}

static int realize(void)
{
    set_defaults(rig.n);
    class()->init(rig.n, &rig.dev);
    return class()->realize(rig.n, NULL);
}

static void finish(void)
{
    class()->unrealize(rig.n);
    class()->fini(rig.n);
    free(rig.n);
}

static uint64_t offered(uint64_t ring)
{
    uint64_t f[TN_VIRTIO_FEATURE_WORDS] = {ring | V1};
    CHECK_EQ(rig.ops->features(rig.n, f, TN_VIRTIO_FEATURE_WORDS, NULL), 0);
    return f[0];
}

static void negotiate(uint64_t features)
{
    const uint64_t f[TN_VIRTIO_FEATURE_WORDS] = {features};
    CHECK_EQ(rig.ops->negotiated(rig.n, f, TN_VIRTIO_FEATURE_WORDS, 0), 0);
}

static int start(uint32_t q, uint32_t flags)
{
    const struct tn_vq vq = {.struct_size = sizeof vq, .index = q, .size = 256, .flags = flags};
    return rig.ops->queue_start(rig.n, &vq);
}

#endif
