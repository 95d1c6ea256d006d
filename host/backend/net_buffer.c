/* SPDX-License-Identifier: BSD-2-Clause */
/* filter-buffer: packets wait until the next tick, then all that have come go on together. */
#include "net_filter.h"

#include "core/services.h"
#include "util/buf.h"
#include <errno.h>

enum { BUFFER_MOST = 4 << 20 }; /* bytes; what comes on top is lost */

struct held_packet {
    uint32_t dir, q, len, place; /* place: bytes to the next one */
};
struct buffer {
    struct tn_dev *d;
    struct net_filter_opts o;
    uint32_t interval; /* microseconds */
    struct tn_timer *tick;
    struct buf held; /* records, each before its packet */
    uint32_t at;     /* of the first that has not gone on */
};

static int buffer_packet(void *s, uint32_t dir, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct buffer *b = s;
    uint32_t len = (uint32_t)net_iov_len(v, n), pad = -len % 8;
    if (!b->o.status)
        return 0;
    if (b->held.len + sizeof(struct held_packet) + len + pad > BUFFER_MOST)
        return -ENOBUFS;
    const struct held_packet h = {dir, q, len, (uint32_t)sizeof h + len + pad};
    buf_add(&b->held, &h, sizeof h);
    for (uint32_t i = 0; i < n; i++)
        buf_add(&b->held, v[i].base, v[i].len);
    buf_add(&b->held, NULL, pad);
    return NET_TAKEN;
}

/* 0: there is no room behind this filter now. */
static int release_one(struct buffer *b)
{
    struct held_packet h;
    memcpy(&h, b->held.data + b->at, sizeof h);
    const struct tn_iov v = {b->held.data + b->at + sizeof h, h.len};
    if (net_chain_table.resubmit(b->d, h.dir, h.q, &v, 1) == 0)
        return 0;
    b->at += h.place;
    return 1;
}

static void release(struct buffer *b)
{
    while (b->at < b->held.len && release_one(b))
        ;
    if (b->at == b->held.len)
        b->held.len = b->at = 0;
}

static void tick(void *s)
{
    struct buffer *b = s;
    release(b);
    loop_table.arm(b->tick, loop_table.now(b->d, TN_CLK_VM) + b->interval * 1000ull);
}

static const struct tn_net_filter filter = {.struct_size = sizeof filter, .packet = buffer_packet};

static const void *buffer_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_NET_FILTER_1) == 0 ? &filter : NULL;
}

static int buffer_init(void *s, struct tn_dev *d)
{
    ((struct buffer *)s)->d = d;
    return 0;
}

static int buffer_realize(void *s, struct tn_err *e)
{
    struct buffer *b = s;
    if (!b->interval)
        return err_set(e, EINVAL, "Property 'filter-buffer.interval' requires a positive value");
    b->tick = loop_table.timer(b->d, NULL, 0, TN_CLK_VM, tick, b);
    int r = net_filter_join(&b->o, b->d, e);
    if (r == 0)
        tick(b);
    return r;
}

/* Switched off: what waits goes at once. */
static int buffer_changed(void *s, const char *name, struct tn_err *e)
{
    struct buffer *b = s;
    (void)name, (void)e;
    if (!b->o.status)
        release(b);
    return 0;
}

static void buffer_fini(void *s)
{
    buf_free(&((struct buffer *)s)->held);
}

static const struct tn_prop props[] = {
    NET_FILTER_PROPS(struct buffer, o),
    TN_PROP(struct buffer, interval, "interval", U32, 0, "microseconds from tick to tick"),
};
static const char *const provides[] = {TN_NET_FILTER_1, NULL};

const struct tn_class net_buffer_class = {
    .struct_size = sizeof net_buffer_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_OBJECT,
    .name = "filter-buffer",
    .desc = "Lets the packets of a back end pass in batches",
    .provides = provides,
    .instance_size = sizeof(struct buffer),
    .props = props,
    .nprops = ARRAY_SIZE(props),
    .prop_stride = sizeof props[0],
    .init = buffer_init,
    .realize = buffer_realize,
    .prop_changed = buffer_changed,
    .fini = buffer_fini,
    .get_iface = buffer_iface,
};
