/* SPDX-License-Identifier: BSD-2-Clause */
/* dgram: frames in datagrams, between two sockets or among the members of a multicast group. */
#include "socket_classes.h"

#include "util/alloc.h"
#include <errno.h>
#include <string.h>

struct dgram {
    struct packets p; /* first */
    struct tn_dev *d;
    struct addr_opts local, remote;
    const char *path; /* to be removed at the end; NULL */
};

static int dgram_init(void *s, struct tn_dev *d)
{
    ((struct dgram *)s)->d = d;
    return 0;
}

static int open_fd(struct dgram *s, char why[WHY])
{
    if (s->remote.type) {
        strcpy(why, "don't set remote with local.fd");
        return -EINVAL;
    }
    int fd = addr_adopt_fd(s->local.fd, SOCK_DGRAM, why);
    struct addr a = {.len = sizeof a.sa};
    char text[64];
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&a.sa, &a.len) < 0)
        return fd;
    snprintf(text, sizeof text, "fd=%.20s %s", s->local.fd,
             a.sa.ss_family == AF_UNIX ? "unix" : "inet");
    packets_show(s->d, text, NULL, NULL);
    return fd;
}

/* remote is a group: local says by which interface. */
static int open_group(struct dgram *s, const struct addr *group, char why[WHY])
{
    struct addrs local;
    struct addr_opts any_port = s->local;
    if (!s->local.type)
        return packets_join(group, NULL, why);
    if (!any_port.port)
        any_port.port = "0";
    int r = addr_resolve(&any_port, "local", SOCK_DGRAM, 1, &local, why);
    if (r == 0 && local.v[0].sa.ss_family != AF_INET) {
        strcpy(why, "a multicast group needs an IPv4 address in local=");
        r = -EINVAL;
    }
    return r < 0 ? r : packets_join(group, &local.v[0], why);
}

static int open_pair(struct dgram *s, const struct addr *to, char why[WHY])
{
    struct addrs local;
    char text[ADDR_TEXT];
    if (!s->local.type) {
        strcpy(why, "dgram requires local= parameter");
        return -EINVAL;
    }
    int r = addr_resolve(&s->local, "local", SOCK_DGRAM, 1, &local, why);
    if (r < 0)
        return r;
    if (local.v[0].sa.ss_family != to->sa.ss_family) {
        strcpy(why, "local= and remote= are of different families");
        return -EINVAL;
    }
    int fd = addr_bind_dgram(&local.v[0], 0);
    packets_show(s->d, "udp=", &local.v[0], to);
    if (fd < 0)
        snprintf(why, WHY, "can't bind to %s: %s", addr_text(&local.v[0], text), strerror(-fd));
    return fd;
}

static int open_socket(struct dgram *s, struct addrs *to, char why[WHY])
{
    if (s->local.type && strcmp(s->local.type, "fd") == 0)
        return open_fd(s, why);
    if (!s->remote.type) {
        snprintf(why, WHY,
                 s->local.type ? "type=%s requires remote parameter"
                               : "dgram requires local= parameter%s",
                 s->local.type ? s->local.type : "");
        return -EINVAL;
    }
    int r = addr_resolve(&s->remote, "remote", SOCK_DGRAM, 0, to, why);
    if (r < 0)
        return r;
    if (addr_is_multicast(&to->v[0]))
        packets_show(s->d, "mcast=", NULL, &to->v[0]);
    return addr_is_multicast(&to->v[0]) ? open_group(s, &to->v[0], why)
                                        : open_pair(s, &to->v[0], why);
}

static int dgram_realize(void *self, struct tn_err *e)
{
    struct dgram *s = self;
    struct addrs to = {0};
    char why[WHY];
    const struct tn_os *os = TN_GET(s->d, struct tn_os, TN_OS_1);
    int fd = open_socket(s, &to, why);
    if (fd < 0)
        return tn_fail(s->d, e, -fd, "%s", why);
    if (to.n && to.v[0].sa.ss_family == AF_UNIX && !s->local.abstract && TN_HAS(os, need) &&
        os->need(s->d, "unlink") == 0)
        s->path = s->local.path;
    return packets_open(&s->p, s->d, fd, to.n ? &to.v[0] : NULL, e);
}

static void dgram_fini(void *self)
{
    struct dgram *s = self;
    if (s->path)
        unlink(s->path);
    packets_fini(&s->p);
}

static const struct tn_net_backend ops = {
    .struct_size = sizeof ops,
    .flags = TN_NETB_ANY,
    .send = packets_send,
    .can_receive = packets_can_receive,
};

static const struct tn_prop props[] = {
    ADDR_PROPS(struct dgram, local, "local"),
    ADDR_PROPS(struct dgram, remote, "remote"),
};

const struct tn_class dgram_class = {
    .struct_size = sizeof dgram_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_NETDEV,
    .category = TN_CAT_NETWORK,
    .name = "dgram",
    .desc = "Frames in datagrams",
    .instance_size = sizeof(struct dgram),
    .props = props,
    .nprops = ARRAY_SIZE(props),
    .prop_stride = sizeof props[0],
    .bus_ops = &ops,
    .init = dgram_init,
    .realize = dgram_realize,
    .fini = dgram_fini,
};
