/* SPDX-License-Identifier: BSD-2-Clause */
/* stream: frames over one connection of a stream socket, as client or server. */
#include "socket_classes.h"

#include "util/alloc.h"
#include <errno.h>
#include <string.h>

struct stream {
    struct conn c; /* first */
    struct tn_dev *d;
    struct addr_opts addr;
    uint32_t reconnect, reconnect_ms;
    uint8_t server;
};

static int stream_init(void *s, struct tn_dev *d)
{
    ((struct stream *)s)->d = d;
    return 0;
}

static int check(struct stream *s, struct tn_err *e)
{
    if (!s->addr.type)
        return tn_fail(s->d, e, EINVAL, "Parameter 'addr' is missing");
    if (s->reconnect && s->reconnect_ms)
        return tn_fail(s->d, e, EINVAL, "'reconnect' and 'reconnect-ms' are mutually exclusive");
    if (s->server && (s->reconnect || s->reconnect_ms))
        return tn_fail(s->d, e, EINVAL,
                       "'reconnect' option is incompatible with socket in server mode");
    return 0;
}

static int use_fd(struct stream *s, struct tn_err *e)
{
    char why[WHY];
    int fd = addr_adopt_fd(s->addr.fd, SOCK_STREAM, why);
    return fd < 0 ? tn_fail(s->d, e, -fd, "%s", why) : conn_adopt(&s->c, fd, e);
}

static int stream_realize(void *self, struct tn_err *e)
{
    struct stream *s = self;
    struct addrs a;
    char why[WHY];
    int r = check(s, e);
    if (r < 0 || (r = conn_init(&s->c, s->d, e)) < 0)
        return r;
    if (strcmp(s->addr.type, "fd") == 0)
        return use_fd(s, e);
    r = addr_resolve(&s->addr, "addr", SOCK_STREAM, s->server, &a, why);
    if (r < 0)
        return tn_fail(s->d, e, -r, "%s", why);
    if (s->server)
        return conn_listen(&s->c, &a, s->addr.abstract ? NULL : s->addr.path, e);
    uint64_t ms = s->reconnect_ms ? s->reconnect_ms : (uint64_t)s->reconnect * 1000;
    return conn_connect(&s->c, &a, ms * 1000000, e);
}

static void stream_fini(void *self)
{
    conn_fini(&((struct stream *)self)->c);
}

static const struct tn_net_backend ops = {
    .struct_size = sizeof ops,
    .send = conn_send,
    .can_receive = conn_can_receive,
};

static const struct tn_prop props[] = {
    ADDR_PROPS(struct stream, addr, "addr"),
    TN_PROP(struct stream, server, "server", BOOL, 0, "wait for a peer instead of calling one"),
    TN_PROP(struct stream, reconnect, "reconnect", U32, 0,
            "client: seconds to the next attempt; 0 = none"),
    TN_PROP(struct stream, reconnect_ms, "reconnect-ms", U32, 0, "the same in milliseconds"),
};

const struct tn_class stream_class = {
    .struct_size = sizeof stream_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_NETDEV,
    .category = TN_CAT_NETWORK,
    .name = "stream",
    .desc = "Frames over a stream socket",
    .instance_size = sizeof(struct stream),
    .props = props,
    .nprops = ARRAY_SIZE(props),
    .prop_stride = sizeof props[0],
    .bus_ops = &ops,
    .init = stream_init,
    .realize = stream_realize,
    .fini = stream_fini,
};
