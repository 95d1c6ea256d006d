/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end for tests: frames between a back end and a SOCK_SEQPACKET socket that the test holds.
 * What the test sends is what a guest would send; a full socket is a guest without buffers. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <tenon/loop.h>
#include <tenon/net.h>
#include <tenon/plugin.h>

enum { MOST = 65536 + 4096 };
struct probe {
    struct tn_dev *d;
    struct tn_net *net;
    struct tn_ctx *iothread;
    int32_t fd;
    uint32_t hdr_len;
    uint8_t mac[6];
    const struct tn_netdev *nd;
    const struct tn_loop *loop;
    struct tn_watch *watch;
    uint32_t kept, wants_out;
    struct tn_iov v;
    uint8_t buf[MOST];
};

static void set_mask(struct probe *p)
{
    if (p->watch)
        p->loop->fd_mask(p->watch, (p->kept ? 0u : TN_FD_IN) | (p->wants_out ? TN_FD_OUT : 0u));
}

static void sent(void *s)
{
    struct probe *p = s;
    p->kept = 0;
    set_mask(p);
}

static int64_t receive(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct probe *p = s;
    (void)q;
    if (n != 1)
        return -EINVAL;
    ssize_t r = send(p->fd, v->base, v->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (r < 0 && errno == EAGAIN) {
        p->wants_out = 1;
        set_mask(p);
        return 0;
    }
    return (int64_t)v->len;
}

/* The test sees a link change as a packet of four bytes. */
static void link_changed(void *s, uint32_t up)
{
    struct probe *p = s;
    ssize_t r = send(p->fd, up ? "LNK1" : "LNK0", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)r;
}

/* A test that has ended, in whatever way: its socket would be ready for ever. */
static void forget(struct probe *p)
{
    p->loop->fd_del(p->watch);
    p->watch = NULL;
}

static void ready(void *s, uint32_t ev)
{
    struct probe *p = s;
    if (ev & TN_FD_OUT) {
        p->wants_out = 0;
        set_mask(p);
        p->nd->flush(p->net, 0);
    }
    for (int i = 0; ev & TN_FD_IN && !p->kept && i < 64; i++) {
        ssize_t n = recv(p->fd, p->buf, MOST, MSG_DONTWAIT);
        if (n == 0)
            forget(p);
        if (n <= 0)
            return;
        p->v = (struct tn_iov){p->buf, (uint64_t)n};
        p->kept = p->nd->send(p->net, 0, &p->v, 1, sent, p) == 0;
        if (p->kept)
            set_mask(p);
    }
}

static const struct tn_net_ops net_ops = {
    .struct_size = sizeof net_ops, .receive = receive, .link = link_changed};

static int probe_init(void *s, struct tn_dev *d)
{
    ((struct probe *)s)->d = d;
    return 0;
}

static int probe_realize(void *s, struct tn_err *e)
{
    struct probe *p = s;
    p->nd = TN_GET(p->d, struct tn_netdev, TN_NETDEV_1);
    p->loop = TN_GET(p->d, struct tn_loop, TN_LOOP_1);
    p->nd->mac(p->d, p->mac);
    if (!p->net)
        return 0;
    int r = p->nd->attach(p->net, p->d, p->iothread, &net_ops, p, e);
    if (r < 0)
        return r;
    if (p->fd >= 0)
        p->watch = p->loop->fd(p->d, p->iothread, 0, p->fd, TN_FD_IN, ready, p);
    if (p->fd >= 0 && !p->watch)
        return tn_fail(p->d, e, EINVAL, "fd=%d cannot be watched", p->fd);
    if (p->hdr_len && (r = p->nd->offload(p->net, p->hdr_len, 0, 0)) < 0)
        return tn_fail(p->d, e, -r, "the back end has no virtio_net_hdr");
    return 0;
}

static const struct tn_prop props[] = {
    TN_PROP_REF(struct probe, net, "netdev", NETDEV, 0, NULL),
    TN_PROP_REF(struct probe, iothread, "iothread", IOTHREAD, 0, NULL),
    TN_PROP_REF(struct probe, fd, "fd", FD, 0, NULL),
    TN_PROP(struct probe, hdr_len, "hdr", U32, 0, NULL),
    TN_PROP_REF(struct probe, mac, "mac", MAC, 0, NULL),
};
static const struct tn_class probe_class = {
    .struct_size = sizeof probe_class,
    .name = "net-probe",
    .category = TN_CAT_NETWORK,
    .instance_size = sizeof(struct probe),
    .props = props,
    .nprops = sizeof props / sizeof props[0],
    .prop_stride = sizeof props[0],
    .init = probe_init,
    .realize = probe_realize,
};
static const struct tn_class *const classes[] = {&probe_class, NULL};
static const char *const sandbox[] = {"socket", NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "net-probe",
    .version = "1",
    .license = "BSD-2-Clause",
    .summary = "Front end for tests",
    .classes = classes,
    .sandbox = sandbox,
};
