/* SPDX-License-Identifier: BSD-2-Clause */
/* tap and bridge: frames to and from a TAP interface of the host. */
#include "tap.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <tenon/plugin.h>
#include <tenon/vhost.h>
#include <unistd.h>

enum { PIECES = 64, BATCH = 64 };

/* ---- world to guest ---- */

/* Somebody else takes the packets from the descriptors. */
static int is_lent(const struct tap *t)
{
    return t->lent || tap_vhost_owns(t);
}

static void set_mask(struct tap_queue *q)
{
    uint32_t in = q->t->peer && !q->held && !is_lent(q->t) ? TN_FD_IN : 0u;
    uint32_t out = __atomic_load_n(&q->wants_out, __ATOMIC_SEQ_CST) ? TN_FD_OUT : 0u;
    q->t->loop->fd_mask(q->watch, in | out);
}

/* The header is the kernel's; one that the front end did not ask for stays here. 1: taken. */
static int give(struct tap_queue *q, uint32_t len)
{
    const struct tap *t = q->t;
    uint32_t skip = t->host_hdr - t->peer_hdr;
    const struct tn_iov v = {q->buf + skip, len > skip ? len - skip : 0};
    q->held = v.len && t->feed->deliver(t->d, q->index, &v, 1) == 0 ? len : 0;
    return !q->held;
}

static void readable(struct tap_queue *q)
{
    if (is_lent(q->t))
        set_mask(q);
    for (int i = 0; i < BATCH && !q->held && !is_lent(q->t); i++) {
        ssize_t n = read(q->fd, q->buf, TAP_PACKET_MAX);
        if (n <= 0)
            break;
        give(q, (uint32_t)n);
    }
    if (q->held)
        set_mask(q);
}

static void tap_can_receive(void *s, uint32_t i)
{
    struct tap *t = s;
    struct tap_queue *q = &t->q[i];
    if (i < t->nq && q->held && give(q, q->held))
        set_mask(q);
}

static void tap_peer(void *s, uint32_t present)
{
    struct tap *t = s;
    t->peer = present;
    t->lent = present ? t->lent : 0;
    for (uint32_t i = 0; i < t->nq; i++) {
        t->q[i].held = present ? t->q[i].held : 0;
        if (t->q[i].watch)
            set_mask(&t->q[i]);
    }
}

static void ready(void *s, uint32_t ev)
{
    struct tap_queue *q = s;
    if (ev & TN_FD_OUT) {
        __atomic_store_n(&q->wants_out, 0, __ATOMIC_SEQ_CST);
        set_mask(q);
        q->t->feed->writable(q->t->d, q->index);
    }
    if (ev & TN_FD_IN && !q->held)
        readable(q);
}

/* ---- guest to world ---- */

static int64_t full(struct tap_queue *q)
{
    __atomic_store_n(&q->wants_out, 1, __ATOMIC_SEQ_CST);
    q->t->loop->fd_mask(q->watch, TN_FD_IN | TN_FD_OUT); /* ready() puts it right again */
    return 0;
}

static int64_t tap_send(void *s, uint32_t i, const struct tn_iov *v, uint32_t n)
{
    static const uint8_t no_offload[TAP_HDR_MAX];
    struct tap *t = s;
    struct iovec out[PIECES + 1];
    uint64_t sum = 0;
    uint32_t head = t->host_hdr != t->peer_hdr;
    if (n > PIECES)
        return -EMSGSIZE;
    out[0] = (struct iovec){(void *)(uintptr_t)no_offload, t->host_hdr};
    for (uint32_t k = 0; k < n; k++) {
        out[head + k] = (struct iovec){v[k].base, v[k].len};
        sum += v[k].len;
    }
    ssize_t r = writev(t->q[i].fd, out, (int)(n + head));
    if (r >= 0)
        return (int64_t)sum;
    return errno == EAGAIN ? full(&t->q[i]) : -errno;
}

/* ---- both ---- */

static uint32_t tap_queues(void *s)
{
    return ((struct tap *)s)->nq;
}

static int tap_offload(void *s, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest)
{
    struct tap *t = s;
    (void)from_guest; /* the header of each packet says it */
    if (!t->has_hdr)
        return hdr_len || to_guest || from_guest ? -ENOTSUP : 0;
    return tap_set_offload(t, hdr_len, to_guest);
}

static int tap_fds(void *s, int *fd, uint32_t max)
{
    struct tap *t = s;
    for (uint32_t i = 0; i < t->nq && i < max; i++)
        fd[i] = t->q[i].fd;
    t->lent = 1;
    return (int)t->nq;
}

/* ---- life ---- */

static int tap_init(void *s, struct tn_dev *d)
{
    struct tap *t = s;
    t->d = d;
    t->down_pipe = t->down_program = -1;
    for (uint32_t i = 0; i < TAP_QUEUES_MAX; i++)
        t->q[i] = (struct tap_queue){.t = t, .index = i, .fd = -1};
    return 0;
}

static int start_queue(struct tap_queue *q, struct tn_err *e)
{
    struct tap *t = q->t;
    q->buf = malloc(TAP_PACKET_MAX);
    q->watch = q->buf ? t->loop->fd(t->d, NULL, 0, q->fd, 0, ready, q) : NULL;
    return q->watch ? 0 : tn_fail(t->d, e, ENOMEM, "no memory for a queue");
}

static int tap_realize(void *s, struct tn_err *e)
{
    struct tap *t = s;
    t->loop = TN_GET(t->d, struct tn_loop, TN_LOOP_1);
    t->os = TN_GET(t->d, struct tn_os, TN_OS_1);
    t->feed = TN_GET(t->d, struct tn_net_feed, TN_NET_FEED_1);
    int r = tap_open(t, e);
    for (uint32_t i = 0; i < t->nq && r == 0; i++)
        r = start_queue(&t->q[i], e);
    return r < 0 ? r : tap_vhost_open(t, e);
}

static void tap_unrealize(void *s)
{
    tap_end_script(s);
}

static void tap_fini(void *s)
{
    struct tap *t = s;
    tap_vhost_free(t);
    close_fd(&t->down_pipe);
    for (uint32_t i = 0; i < TAP_QUEUES_MAX; i++) {
        if (t->q[i].fd >= 0)
            close(t->q[i].fd);
        free(t->q[i].buf);
    }
}

static const void *tap_iface(void *s, const char *id)
{
    return tap_vhost_iface(s, id);
}

static const struct tn_net_backend ops = {
    .struct_size = sizeof ops,
    .flags = TN_NETB_ANY,
    .queues = tap_queues,
    .send = tap_send,
    .can_receive = tap_can_receive,
    .offload = tap_offload,
    .fds = tap_fds,
    .peer = tap_peer,
};

static const struct tn_prop tap_props[] = {
    TN_PROP_STR(struct tap, ifname, "ifname", NULL, "name of the interface; %d is a free number"),
    TN_PROP_STR(struct tap, fd, "fd", NULL, "number of an open TAP, instead"),
    TN_PROP_STR(struct tap, fds, "fds", NULL, "numbers of its queues, with colons between"),
    TN_PROP_STR(struct tap, script, "script", NULL,
                "program that sets the interface up, or no; /etc/qemu-ifup if that is there"),
    TN_PROP_STR(struct tap, downscript, "downscript", NULL,
                "program for its end, or no; /etc/qemu-ifdown if that is there"),
    TN_PROP_STR(struct tap, br, "br", NULL, "bridge for helper="),
    TN_PROP_STR(struct tap, helper, "helper", NULL, "program that opens the TAP, instead"),
    TN_PROP_ROW(struct tap, sndbuf, "sndbuf", SIZE, TN_PF_NODEFAULT, 0, 0, 0, INT32_MAX, NULL, NULL,
                "bytes that the interface queues; 0 = no limit"),
    TN_PROP(struct tap, vnet_hdr, "vnet_hdr", ONOFFAUTO, TN_AUTO,
            "offloads between guest and kernel"),
    TN_PROP(struct tap, vhost, "vhost", ONOFFAUTO, TN_AUTO, "packets move inside the kernel"),
    TN_PROP_STR(struct tap, vhostfd, "vhostfd", NULL, "number of an open /dev/vhost-net"),
    TN_PROP_STR(struct tap, vhostfds, "vhostfds", NULL, "one for each queue"),
    TN_PROP(struct tap, vhostforce, "vhostforce", BOOL, 0, "vhost or an error"),
    TN_PROP_RANGE(struct tap, queues, "queues", U32, 0, 0, TAP_QUEUES_MAX, "queue pairs"),
    TN_PROP(struct tap, poll_us, "poll-us", U32, 0, "vhost: microseconds of busy polling"),
};
static const struct tn_prop bridge_props[] = {
    TN_PROP_STR(struct tap, br, "br", "br0", "the bridge"),
    TN_PROP_STR(struct tap, helper, "helper", "/usr/lib/qemu/qemu-bridge-helper",
                "program that puts a new TAP on it"),
};

static const char *const provides[] = {TN_VHOST_1, NULL};
#define TAP_CLASS(nm, what, p)                                                                   \
    {                                                                                            \
        .struct_size = sizeof(struct tn_class), .flags = TN_C_THREADSAFE | TN_C_HOTPLUG,         \
        .kind = TN_K_NETDEV, .category = TN_CAT_NETWORK, .name = (nm), .desc = (what),           \
        .provides = provides, .instance_size = sizeof(struct tap), .props = (p),                 \
        .nprops = ARRAY_SIZE(p), .prop_stride = sizeof(p)[0], .bus_ops = &ops, .init = tap_init, \
        .realize = tap_realize, .unrealize = tap_unrealize, .fini = tap_fini,                    \
        .get_iface = tap_iface                                                                   \
    }
static const struct tn_class tap_class = TAP_CLASS("tap", "TAP interface of the host", tap_props);
static const struct tn_class bridge_class =
    TAP_CLASS("bridge", "TAP interface on a bridge, made by a helper", bridge_props);

static const struct tn_class *const classes[] = {&tap_class, &bridge_class, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_OS_1, TN_NET_FEED_1, NULL};
static const char *const sandbox[] = {"ioctl-tun", NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "net-tap",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "TAP interfaces of the host",
    .classes = classes,
    .needs = needs,
    .sandbox = sandbox,
};
