/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_NETDEV_1 with a network behind it that sends packets and keeps one now and then; TN_NET_FEED_1
 * and TN_NET_FILTER_CHAIN_1 for back ends and filters. */
#include "parts.h"
#include "services.h"
#include "stand_in.h"

enum { QUEUES = 4, FRAME_MAX = 70000 };

struct tn_net {
    struct host *h;
    struct dev *user;
    struct tn_ctx *c;
    struct tn_net_ops ops;
    void *s;
    uint32_t hdr_len, sends;
    struct {
        void (*sent)(void *);
        void *arg;
    } kept[QUEUES];
};

static void net_release(struct res *r)
{
    struct {
        struct res r;
        struct tn_net *n;
    } *a = (void *)r;
    a->n->user = NULL;
}

static struct tn_net *net_use(struct tn_net *n, uint32_t roles, const char *what)
{
    if (!n || !n->user)
        violation("net.h: attach", "%s of a network that is not attached", what);
    enter(n->user, roles, what);
    return n;
}

static int net_attach(struct tn_net *n, struct tn_dev *pub, struct tn_ctx *c,
                      const struct tn_net_ops *o, void *s, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "netdev->attach");
    if (!o || !o->receive)
        violation("net.h: attach", "netdev->attach without receive()");
    int r = inject_err(d, e, EBUSY, "netdev->attach");
    if (!n)
        return r; /* for the link alone */
    if (r == 0 && n->user)
        r = err_set(e, EBUSY, "the network has a front end");
    if (r < 0)
        return r;
    struct {
        struct res r;
        struct tn_net *n;
    } *a = res_new(d, "network", sizeof *a, net_release);
    a->n = n;
    n->user = d;
    n->c = c ? c : d->home;
    n->ops = (struct tn_net_ops){0};
    memcpy(&n->ops, o, o->struct_size < sizeof n->ops ? o->struct_size : sizeof n->ops);
    n->s = s;
    return 0;
}

static uint32_t net_queues(struct tn_net *n)
{
    (void)n;
    enter(NULL, R_MAIN, "netdev->queues");
    return QUEUES;
}

static void net_sent(void *o)
{
    struct tn_net *n = o;
    for (uint32_t q = 0; n->user && q < QUEUES; q++) {
        void (*sent)(void *) = n->kept[q].sent;
        n->kept[q].sent = NULL;
        if (sent)
            CALL(n->user, n->c->role | R_DEV, "net sent", sent(n->kept[q].arg));
    }
}

static int64_t net_send(struct tn_net *n, uint32_t q, const struct tn_iov *v, uint32_t nv,
                        void (*sent)(void *), void *arg)
{
    uint64_t len = 0;
    net_use(n, R_MAIN | R_CTX, "netdev->send");
    for (uint32_t i = 0; i < nv; i++)
        len += v[i].len;
    if (q >= QUEUES || !len)
        violation("net.h: send", "netdev->send of %llu bytes to queue %u", (unsigned long long)len,
                  q);
    if (n->kept[q].sent)
        return -EBUSY;
    if (n->user->stage != ST_RUNNING && n->user->stage != ST_QUIESCING)
        violation("docs/abi.md: Life of an instance: none while quiet",
                  "netdev->send while the device is quiet");
    n->h->log.net_out++;
    if (inject(n->user, "netdev->send") || len > FRAME_MAX)
        return -ENOBUFS;
    if (++n->sends % 5 || !sent)
        return (int64_t)len;
    n->kept[q].sent = sent;
    n->kept[q].arg = arg;
    job_add(n->h, NULL, net_sent, n);
    return 0;
}

static void net_flush(struct tn_net *n, uint32_t q)
{
    net_use(n, R_MAIN | R_CTX, "netdev->flush");
    if (q >= QUEUES)
        violation("net.h: flush", "netdev->flush of queue %u", q);
}

static int net_offload(struct tn_net *n, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest)
{
    (void)to_guest, (void)from_guest;
    net_use(n, R_MAIN | R_VCPU, "netdev->offload");
    if (hdr_len != 0 && hdr_len != 10 && hdr_len != 12)
        violation("net.h: offload: 0, 10 or 12 bytes", "netdev->offload with headers of %u bytes",
                  hdr_len);
    if (inject(n->user, "netdev->offload"))
        return -ENOTSUP;
    n->hdr_len = hdr_len;
    return 0;
}

static int net_fds(struct tn_net *n, int *fd, uint32_t max)
{
    (void)n, (void)fd, (void)max;
    enter(NULL, R_MAIN, "netdev->fds");
    return -ENOTSUP;
}

static const void *net_iface(struct tn_net *n, const char *id, void **handle)
{
    (void)n, (void)id, (void)handle;
    enter(NULL, R_MAIN, "netdev->get_iface");
    return NULL;
}

static int net_purge(struct tn_net *n, uint32_t q)
{
    net_use(n, R_MAIN | R_CTX, "netdev->purge");
    if (q >= QUEUES)
        violation("net.h: purge", "netdev->purge of queue %u", q);
    int had = n->kept[q].sent != NULL;
    n->kept[q].sent = NULL;
    return had;
}

static void net_mac(struct tn_dev *pub, uint8_t mac[6])
{
    static const uint8_t zero[6] = {0}, next[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    enter_realize(dev_of(pub), "netdev->mac");
    if (memcmp(mac, zero, 6) == 0)
        memcpy(mac, next, 6);
}

static void net_rx_changed(struct tn_dev *pub)
{
    enter(dev_of(pub), R_ANY, "netdev->rx_changed");
}

const struct tn_netdev netdev_table = {
    .struct_size = sizeof(struct tn_netdev),
    .attach = net_attach,
    .queues = net_queues,
    .send = net_send,
    .flush = net_flush,
    .offload = net_offload,
    .fds = net_fds,
    .get_iface = net_iface,
    .purge = net_purge,
    .mac = net_mac,
    .rx_changed = net_rx_changed,
};

void *stand_in_net(struct host *h)
{
    struct tn_net *n = XNEW(struct tn_net);
    n->h = h;
    return n;
}

int64_t net_packet(struct tn_net *n, uint32_t q, const uint8_t *frame, uint32_t len)
{
    static const uint8_t hdr[12] = {0};
    struct tn_iov v[2] = {{(void *)(uintptr_t)hdr, n->hdr_len}, {(void *)(uintptr_t)frame, len}};
    int64_t r = 0;
    if (!n->user)
        return -ENOTCONN;
    uint32_t role = n->c->role | R_DEV, from = n->hdr_len ? 0 : 1;
    CALL(n->user, role, "tn_net_ops.receive", r = n->ops.receive(n->s, q, v + from, 2 - from));
    if (r > 0 && r != (int64_t)len + n->hdr_len)
        violation("net.h: receive: bytes taken (all), 0 or -errno", "receive answered %lld of %u",
                  (long long)r, len + n->hdr_len);
    if (n->ops.received)
        CALL(n->user, role, "tn_net_ops.received", n->ops.received(n->s, q));
    return r;
}

void net_link(struct tn_net *n, uint32_t up)
{
    if (n->user && n->ops.link)
        CALL(n->user, n->c->role | R_DEV, "tn_net_ops.link", n->ops.link(n->s, up));
}

/* ---- what back ends call ---- */

static struct dev *feeding(struct tn_dev *pub, uint32_t roles, const char *what)
{
    struct dev *d = dev_of(pub);
    enter(d, roles, what);
    if (d->pub.cls->kind != TN_K_NETDEV)
        violation("net.h: tn_net_feed: d is the back end itself",
                  "%s of a device that is no network back end", what);
    return d;
}

static int64_t feed_deliver(struct tn_dev *pub, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct dev *d = feeding(pub, R_MAIN | R_CTX, "net_feed->deliver");
    int64_t len = 0;
    for (uint32_t i = 0; i < n; i++)
        len += (int64_t)v[i].len;
    if (q >= QUEUES * 256 || !len)
        violation("net.h: deliver", "net_feed->deliver of %lld bytes for queue %u", (long long)len,
                  q);
    if (inject(d, "net_feed->deliver"))
        return 0;
    d->h->log.net_in++;
    return len;
}

static void feed_link(struct tn_dev *pub, uint32_t up)
{
    feeding(pub, R_MAIN | R_CTX, "net_feed->link");
    if (up > 1)
        violation("net.h: link: 1 up, 0 down", "net_feed->link(%u)", up);
}

static void feed_writable(struct tn_dev *pub, uint32_t q)
{
    (void)q;
    feeding(pub, R_ANY, "net_feed->writable");
}

static void feed_info(struct tn_dev *pub, const char *text)
{
    feeding(pub, R_MAIN, "net_feed->info");
    if (!text)
        violation("net.h: info", "net_feed->info without text");
}

static void feed_connected(struct tn_dev *pub, const void *addr, uint32_t len)
{
    feeding(pub, R_MAIN, "net_feed->connected");
    if (addr && len < 2)
        violation("net.h: connected: a struct sockaddr", "net_feed->connected with %u bytes", len);
}

const struct tn_net_feed net_feed_table = {
    .struct_size = sizeof(struct tn_net_feed),
    .deliver = feed_deliver,
    .link = feed_link,
    .writable = feed_writable,
    .info = feed_info,
    .connected = feed_connected,
};

/* ---- filters ---- */

static void filter_release(struct res *r)
{
    (void)r;
}

static int filter_insert(struct tn_net *n, struct tn_dev *pub, uint32_t dirs, const char *position,
                         struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    enter_realize(d, "net_filters->insert");
    if (!n || !dirs || dirs > (TN_NET_FROM_GUEST | TN_NET_TO_GUEST) || !position)
        violation("net.h: insert", "net_filters->insert in directions %u", dirs);
    int r = inject_err(d, e, EINVAL, "net_filters->insert");
    if (r == 0)
        res_new(d, "network filter", sizeof(struct res), filter_release);
    return r;
}

static int64_t filter_resubmit(struct tn_dev *pub, uint32_t dir, uint32_t q, const struct tn_iov *v,
                               uint32_t n)
{
    int64_t len = 0;
    (void)dir, (void)q;
    enter(dev_of(pub), R_ANY, "net_filters->resubmit");
    for (uint32_t i = 0; i < n; i++)
        len += (int64_t)v[i].len;
    return len;
}

static uint32_t filter_hdr_len(struct tn_dev *pub)
{
    enter(dev_of(pub), R_ANY, "net_filters->hdr_len");
    return 12;
}

const struct tn_net_filters net_filters_table = {
    .struct_size = sizeof(struct tn_net_filters),
    .insert = filter_insert,
    .resubmit = filter_resubmit,
    .hdr_len = filter_hdr_len,
};
