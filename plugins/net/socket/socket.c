/* SPDX-License-Identifier: BSD-2-Clause */
/* socket: the older form of stream and dgram in one. */
#include "socket_classes.h"

#include "util/alloc.h"
#include <errno.h>
#include <string.h>

struct sock {
    union {
        struct conn c;
        struct packets p;
    } u; /* first */
    struct tn_dev *d;
    const char *fd, *listen, *connect, *mcast, *udp, *localaddr;
    uint32_t is_packets;
};

static int sock_init(void *s, struct tn_dev *d)
{
    ((struct sock *)s)->d = d;
    return 0;
}

static int check(struct sock *s, struct tn_err *e)
{
    int n = (s->fd != NULL) + (s->listen != NULL) + (s->connect != NULL) + (s->mcast != NULL) +
            (s->udp != NULL);
    if (n != 1)
        return tn_fail(s->d, e, EINVAL,
                       "exactly one of listen=, connect=, mcast= or udp= is required");
    if (s->localaddr && !s->mcast && !s->udp)
        return tn_fail(s->d, e, EINVAL, "localaddr= is only valid with mcast= or udp=");
    if (s->udp && !s->localaddr)
        return tn_fail(s->d, e, EINVAL, "localaddr= is mandatory with udp=");
    return 0;
}

/* ---- stream ---- */

static int open_stream(struct sock *s, struct tn_err *e)
{
    struct addrs a = {.n = 1};
    char why[WHY];
    int r = conn_init(&s->u.c, s->d, e);
    if (r < 0)
        return r;
    s->u.c.old = 1;
    if (s->fd) {
        int fd = addr_adopt_fd(s->fd, SOCK_STREAM, why);
        return fd < 0 ? tn_fail(s->d, e, -fd, "%s", why) : conn_adopt(&s->u.c, fd, e);
    }
    r = addr_parse(s->listen ? s->listen : s->connect, SOCK_STREAM, &a.v[0], why);
    if (r < 0)
        return tn_fail(s->d, e, -r, "%s", why);
    return s->listen ? conn_listen(&s->u.c, &a, NULL, e) : conn_connect(&s->u.c, &a, 0, e);
}

/* ---- datagrams ---- */

/* mcast=: localaddr is an interface's address, without a port. */
static int open_mcast(struct sock *s, struct addr *group, char why[WHY])
{
    struct addr local;
    int r = addr_parse(s->mcast, SOCK_DGRAM, group, why);
    if (r < 0 || !s->localaddr)
        return r < 0 ? r : packets_join(group, NULL, why);
    char text[ADDR_TEXT];
    if (snprintf(text, sizeof text, "%s:0", s->localaddr) >= (int)sizeof text) {
        snprintf(why, WHY, "host address '%.100s' is too long", s->localaddr);
        return -EINVAL;
    }
    r = addr_parse(text, SOCK_DGRAM, &local, why);
    return r < 0 ? r : packets_join(group, &local, why);
}

static int open_udp(struct sock *s, struct addr *to, char why[WHY])
{
    struct addr local;
    char text[ADDR_TEXT];
    int r = addr_parse(s->localaddr, SOCK_DGRAM, &local, why);
    if (r < 0 || (r = addr_parse(s->udp, SOCK_DGRAM, to, why)) < 0)
        return r;
    int fd = addr_bind_dgram(&local, 1);
    if (fd < 0)
        snprintf(why, WHY, "can't bind to %s: %s", addr_text(&local, text), strerror(-fd));
    return fd;
}

static int open_packets(struct sock *s, int fd, struct tn_err *e)
{
    struct addr to = {.len = 0};
    char why[WHY];
    s->is_packets = 1;
    if (!s->fd)
        fd = s->mcast ? open_mcast(s, &to, why) : open_udp(s, &to, why);
    if (fd < 0)
        return tn_fail(s->d, e, -fd, "%s", why);
    packets_show(s->d,
                 s->mcast ? "socket: mcast="
                 : s->udp ? "socket: udp="
                          : "fd=",
                 NULL, to.len ? &to : NULL);
    return packets_open(&s->u.p, s->d, fd, to.len ? &to : NULL, e);
}

static int sock_realize(void *self, struct tn_err *e)
{
    struct sock *s = self;
    char why[WHY];
    int r = check(s, e);
    if (r < 0)
        return r;
    int fd = s->fd ? addr_adopt_fd(s->fd, SOCK_DGRAM, why) : -1;
    return fd >= 0 || s->mcast || s->udp ? open_packets(s, fd, e) : open_stream(s, e);
}

static void sock_fini(void *self)
{
    struct sock *s = self;
    if (s->is_packets)
        packets_fini(&s->u.p);
    else
        conn_fini(&s->u.c);
}

static int64_t sock_send(void *self, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct sock *s = self;
    return s->is_packets ? packets_send(&s->u.p, q, v, n) : conn_send(&s->u.c, q, v, n);
}

static void sock_can_receive(void *self, uint32_t q)
{
    struct sock *s = self;
    if (s->is_packets)
        packets_can_receive(&s->u.p, q);
    else
        conn_can_receive(&s->u.c, q);
}

static const struct tn_net_backend ops = {
    .struct_size = sizeof ops,
    .send = sock_send,
    .can_receive = sock_can_receive,
};

static const struct tn_prop props[] = {
    TN_PROP_STR(struct sock, fd, "fd", NULL, "number of an open socket"),
    TN_PROP_STR(struct sock, listen, "listen", NULL, "[host]:port to wait at for a TCP peer"),
    TN_PROP_STR(struct sock, connect, "connect", NULL, "host:port of a TCP peer"),
    TN_PROP_STR(struct sock, mcast, "mcast", NULL, "address:port of a multicast group"),
    TN_PROP_STR(struct sock, udp, "udp", NULL, "host:port of an UDP peer"),
    TN_PROP_STR(struct sock, localaddr, "localaddr", NULL,
                "udp: host:port of this side; mcast: address of the interface"),
};

const struct tn_class socket_class = {
    .struct_size = sizeof socket_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_NETDEV,
    .category = TN_CAT_NETWORK,
    .name = "socket",
    .desc = "Frames over TCP, UDP or multicast",
    .instance_size = sizeof(struct sock),
    .props = props,
    .nprops = ARRAY_SIZE(props),
    .prop_stride = sizeof props[0],
    .bus_ops = &ops,
    .init = sock_init,
    .realize = sock_realize,
    .fini = sock_fini,
};
