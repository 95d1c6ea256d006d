/* SPDX-License-Identifier: BSD-2-Clause */
/* filter-mirror: a copy of each packet goes to a character device. filter-redirector: the packets
 * themselves do, and what comes from another one takes their place. On the wire a packet follows
 * its length in 4 bytes, big-endian; with vnet_hdr_support the length of its virtio-net header
 * stands between them. */
#include "net_filter.h"

#include "chardev.h"
#include "core/services.h"
#include "util/buf.h"
#include <arpa/inet.h>
#include <errno.h>

enum { QUEUE_ALL, QUEUE_RX, QUEUE_TX }; /* indices of net_filter_queues */
enum { REDIRECT_MOST = 1 << 20 }; /* bytes that wait for a slow peer; what comes on top is lost */

struct redirect {
    struct tn_dev *d;
    struct net_filter_opts o;
    struct tn_chr *indev, *outdev;
    uint8_t vnet_hdr;
    uint8_t out_open; /* somebody reads outdev */
    struct buf out;   /* what outdev has not taken yet, from out_at on */
    uint64_t out_at;
    uint8_t head[8]; /* of the packet that indev is bringing */
    uint32_t head_len, need;
    struct buf in;
};

/* ---- to outdev ---- */

static void flush(struct redirect *r)
{
    while (r->out_at < r->out.len) {
        int64_t n = chardev_table.write(r->outdev, r->out.data + r->out_at, r->out.len - r->out_at);
        if (n <= 0)
            return;
        r->out_at += (uint64_t)n;
    }
    r->out.len = r->out_at = 0;
}

static void put_length(struct redirect *r, uint32_t v)
{
    uint32_t wire = htonl(v);
    buf_add(&r->out, &wire, sizeof wire);
}

static int send_packet(struct redirect *r, const struct tn_iov *v, uint32_t n)
{
    uint32_t hdr = net_chain_table.hdr_len(r->d), skip = r->vnet_hdr ? 0 : hdr,
             len = (uint32_t)net_iov_len(v, n);
    if (len <= skip || r->out.len - r->out_at + len > REDIRECT_MOST)
        return -ENOBUFS;
    put_length(r, len - skip);
    if (r->vnet_hdr)
        put_length(r, hdr);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cut = v[i].len < skip ? (uint32_t)v[i].len : skip;
        buf_add(&r->out, (const char *)v[i].base + cut, v[i].len - cut);
        skip -= cut;
    }
    flush(r);
    return 0;
}

static void out_event(void *s, uint32_t ev)
{
    struct redirect *r = s;
    if (ev == TN_CHR_OPENED)
        r->out_open = 1;
    if (ev == TN_CHR_CLOSED)
        r->out_open = 0, r->out.len = r->out_at = 0;
}

static void out_writable(void *s)
{
    flush(s);
}

static const struct tn_chr_ops out_ops = {
    .struct_size = sizeof out_ops, .event = out_event, .writable = out_writable};

/* ---- from indev ---- */

static uint32_t head_size(const struct redirect *r)
{
    return r->vnet_hdr ? 8 : 4;
}

static void restart(struct redirect *r)
{
    r->head_len = r->need = 0;
    r->in.len = 0;
}

/* The packet goes on behind this filter, in the directions that the filter looks at. */
static void inject(struct redirect *r)
{
    static const uint8_t zeros[16];
    uint32_t hdr = r->vnet_hdr ? 0 : net_chain_table.hdr_len(r->d);
    const struct tn_iov v[] = {{(void *)(uintptr_t)zeros, hdr}, {r->in.data, r->in.len}};
    if (hdr > sizeof zeros)
        return;
    if (r->o.queue != QUEUE_RX)
        net_chain_table.resubmit(r->d, TN_NET_TO_GUEST, 0, hdr ? v : v + 1, hdr ? 2 : 1);
    if (r->o.queue != QUEUE_TX)
        net_chain_table.resubmit(r->d, TN_NET_FROM_GUEST, 0, hdr ? v : v + 1, hdr ? 2 : 1);
}

/* The head is complete. A length that no packet has: the stream cannot be trusted any more. */
static void begin(struct redirect *r)
{
    uint32_t wire;
    memcpy(&wire, r->head, sizeof wire);
    r->need = ntohl(wire);
    if (r->need && r->need <= NET_PACKET_MAX)
        return;
    log_line(LOG_WARN, "%s: a packet of %u bytes is not taken", device_id(device_of(r->d)),
             r->need);
    restart(r);
}

static uint32_t take_head(struct redirect *r, const uint8_t *p, uint32_t n)
{
    uint32_t missing = head_size(r) - r->head_len, some = n < missing ? n : missing;
    memcpy(r->head + r->head_len, p, some);
    r->head_len += some;
    if (r->head_len == head_size(r))
        begin(r);
    return some;
}

static uint32_t take_body(struct redirect *r, const uint8_t *p, uint32_t n)
{
    uint32_t missing = r->need - (uint32_t)r->in.len, some = n < missing ? n : missing;
    buf_add(&r->in, p, some);
    if (r->in.len == r->need) {
        inject(r);
        restart(r);
    }
    return some;
}

static uint32_t in_room(void *s)
{
    (void)s;
    return 4096;
}

static void in_input(void *s, const uint8_t *p, uint32_t n)
{
    struct redirect *r = s;
    for (uint32_t some; n; p += some, n -= some)
        some = r->need ? take_body(r, p, n) : take_head(r, p, n);
}

static void in_event(void *s, uint32_t ev)
{
    if (ev == TN_CHR_CLOSED)
        restart(s);
}

static const struct tn_chr_ops in_ops = {
    .struct_size = sizeof in_ops, .room = in_room, .input = in_input, .event = in_event};

/* ---- in the chain ---- */

static int mirror_packet(void *s, uint32_t dir, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct redirect *r = s;
    (void)dir, (void)q;
    if (r->o.status && r->out_open)
        send_packet(r, v, n); /* a copy that is lost is no reason to lose the packet */
    return 0;
}

/* While nobody reads outdev, packets are lost, as on a cable that is cut. */
static int redirect_packet(void *s, uint32_t dir, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct redirect *r = s;
    (void)dir, (void)q;
    if (!r->o.status || !r->outdev)
        return 0;
    if (r->out_open)
        send_packet(r, v, n);
    return NET_TAKEN;
}

static const struct tn_net_filter mirror_filter = {.struct_size = sizeof mirror_filter,
                                                   .packet = mirror_packet};
static const struct tn_net_filter redirect_filter = {.struct_size = sizeof redirect_filter,
                                                     .packet = redirect_packet};

static const void *mirror_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_NET_FILTER_1) == 0 ? &mirror_filter : NULL;
}

static const void *redirect_iface(void *s, const char *id)
{
    (void)s;
    return strcmp(id, TN_NET_FILTER_1) == 0 ? &redirect_filter : NULL;
}

/* ---- life ---- */

static int init(void *s, struct tn_dev *d)
{
    ((struct redirect *)s)->d = d;
    return 0;
}

static int attach(struct redirect *r, struct tn_chr *c, const struct tn_chr_ops *o,
                  struct tn_err *e)
{
    int err = c ? chardev_table.attach(c, r->d, o, r) : 0;
    return err < 0
               ? err_set(e, -err, "%s: its character device is in use", device_id(device_of(r->d)))
               : 0;
}

static int join(struct redirect *r, struct tn_err *e)
{
    if (!r->o.n)
        return err_set(e, EINVAL, "Parameter 'netdev' is missing");
    int err = attach(r, r->outdev, &out_ops, e);
    if (err == 0)
        err = attach(r, r->indev, &in_ops, e);
    return err < 0 ? err : net_filter_join(&r->o, r->d, e);
}

static int mirror_realize(void *s, struct tn_err *e)
{
    struct redirect *r = s;
    if (!r->outdev)
        return err_set(e, EINVAL, "filter mirror needs 'outdev' property set");
    return join(r, e);
}

static int redirect_realize(void *s, struct tn_err *e)
{
    struct redirect *r = s;
    if (!r->indev && !r->outdev)
        return err_set(e, EINVAL,
                       "filter redirector needs 'indev' or 'outdev' at least one property set");
    if (r->indev && r->indev == r->outdev)
        return err_set(e, EINVAL, "'indev' and 'outdev' could not be same for filter redirector");
    return join(r, e);
}

static int changed(void *s, const char *name, struct tn_err *e)
{
    (void)s, (void)name, (void)e;
    return 0; /* status is looked at for every packet */
}

static void fini(void *s)
{
    struct redirect *r = s;
    buf_free(&r->out);
    buf_free(&r->in);
}

#define COMMON_PROPS                                                                    \
    NET_FILTER_PROPS(struct redirect, o),                                               \
        TN_PROP_REF(struct redirect, outdev, "outdev", CHARDEV, 0, "where packets go"), \
        TN_PROP(struct redirect, vnet_hdr, "vnet_hdr_support", BOOL, 0,                 \
                "with their virtio-net header")

static const struct tn_prop mirror_props[] = {COMMON_PROPS};
static const struct tn_prop redirect_props[] = {
    COMMON_PROPS,
    TN_PROP_REF(struct redirect, indev, "indev", CHARDEV, 0, "where others come from"),
};
static const char *const provides[] = {TN_NET_FILTER_1, NULL};

const struct tn_class net_mirror_class = {
    .struct_size = sizeof net_mirror_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_OBJECT,
    .name = "filter-mirror",
    .desc = "Copies the packets of a back end to a character device",
    .provides = provides,
    .instance_size = sizeof(struct redirect),
    .props = mirror_props,
    .nprops = ARRAY_SIZE(mirror_props),
    .prop_stride = sizeof mirror_props[0],
    .init = init,
    .realize = mirror_realize,
    .prop_changed = changed,
    .fini = fini,
    .get_iface = mirror_iface,
};
const struct tn_class net_redirector_class = {
    .struct_size = sizeof net_redirector_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_OBJECT,
    .name = "filter-redirector",
    .desc = "Sends the packets of a back end to a character device, and takes others from one",
    .provides = provides,
    .instance_size = sizeof(struct redirect),
    .props = redirect_props,
    .nprops = ARRAY_SIZE(redirect_props),
    .prop_stride = sizeof redirect_props[0],
    .init = init,
    .realize = redirect_realize,
    .prop_changed = changed,
    .fini = fini,
    .get_iface = redirect_iface,
};
