/* SPDX-License-Identifier: BSD-2-Clause */
/* hubport: a port of a hub. What comes in at one port goes out at all others. A port's other side
 * is a NIC that names it, or the back end that its netdev= names. */
#include "net_impl.h"
#include "util/buf.h"

#include <errno.h>
#include <stdlib.h>

struct hubport {
    struct tn_dev *d;
    int64_t hubid;
    struct tn_net *peer; /* netdev= */
    struct net_hub *hub;
    TAILQ_ENTRY(hubport) entry;
};

struct net_hub {
    LIST_ENTRY(net_hub) entry;
    int64_t id;
    TAILQ_HEAD(, hubport) ports;
};

/* ---- frames ---- */

/* A port that has no room loses the frame: nobody waits for the slowest. */
static void output(struct hubport *p, const struct tn_iov *v, uint32_t n)
{
    if (p->peer)
        net_send(p->peer, 0, v, n, NULL, NULL);
    else
        net_deliver(device_of(p->d)->handle, 0, v, n);
}

static int64_t flood(struct hubport *from, const struct tn_iov *v, uint32_t n)
{
    struct hubport *p;
    TAILQ_FOREACH(p, &from->hub->ports, entry)
    if (p != from)
        output(p, v, n);
    return (int64_t)net_iov_len(v, n);
}

static int64_t port_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    (void)q;
    return flood(s, v, n);
}

static int64_t port_receive(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    (void)q;
    return flood(s, v, n);
}

/* ---- life ---- */

static struct net_hub *hub_of(struct vm *vm, int64_t id)
{
    struct nets *nets = nets_of(vm);
    struct net_hub *h;
    LIST_FOREACH(h, &nets->hubs, entry)
    if (h->id == id)
        return h;
    h = XNEW(struct net_hub);
    h->id = id;
    TAILQ_INIT(&h->ports);
    LIST_INSERT_HEAD(&nets->hubs, h, entry);
    return h;
}

static int port_init(void *s, struct tn_dev *d)
{
    ((struct hubport *)s)->d = d;
    return 0;
}

/* Frames would go round for ever. */
static int is_loop(const struct hubport *p)
{
    const struct device *other = p->peer ? p->peer->back : NULL;
    return p->peer && p->peer->hub && ((const struct hubport *)other->pub.self)->hubid == p->hubid;
}

static int port_realize(void *s, struct tn_err *e)
{
    static const struct tn_net_ops ops = {.struct_size = sizeof ops, .receive = port_receive};
    struct hubport *p = s;
    if (p->hubid < INT32_MIN)
        return err_set(e, EINVAL, "Parameter 'hubid' is missing");
    if (is_loop(p))
        return err_set(e, EINVAL, "netdev '%s' is a port of the same hub",
                       device_id(p->peer->back));
    if (p->peer && net_attach(p->peer, device_of(p->d), NULL, &ops, p, e) < 0)
        return -EBUSY;
    p->hub = hub_of(device_of(p->d)->vm, p->hubid);
    TAILQ_INSERT_TAIL(&p->hub->ports, p, entry);
    return 0;
}

static void port_unrealize(void *s)
{
    struct hubport *p = s;
    TAILQ_REMOVE(&p->hub->ports, p, entry);
    if (!TAILQ_EMPTY(&p->hub->ports))
        return;
    LIST_REMOVE(p->hub, entry);
    free(p->hub);
}

int net_hubport_is_taken(const struct device *d)
{
    return ((const struct hubport *)d->pub.self)->peer != NULL;
}

/* ---- warnings ---- */

static int has_nic(const struct hubport *p)
{
    const struct tn_net *n = device_of(p->d)->handle;
    return n->front.dev != NULL;
}

static void warn_hub(const struct net_hub *h)
{
    const struct hubport *p;
    int nic = 0, host = 0;
    TAILQ_FOREACH(p, &h->ports, entry)
    {
        nic |= has_nic(p);
        host |= p->peer != NULL;
        if (!p->peer && !has_nic(p))
            log_line(LOG_WARN, "hub port %s has no peer", device_id(device_of(p->d)));
    }
    if (nic && !host)
        log_line(LOG_WARN, "hub %lld is not connected to host network", (long long)h->id);
    if (host && !nic)
        log_line(LOG_WARN, "hub %lld with no nics", (long long)h->id);
}

void net_hubs_warn(struct vm *vm)
{
    const struct net_hub *h;
    LIST_FOREACH(h, &nets_of(vm)->hubs, entry)
    warn_hub(h);
}

void net_hubs_describe(struct vm *vm, struct buf *out)
{
    const struct net_hub *h;
    const struct hubport *p;
    LIST_FOREACH(h, &nets_of(vm)->hubs, entry)
    {
        buf_printf(out, "hub %lld\n", (long long)h->id);
        TAILQ_FOREACH(p, &h->ports, entry)
        {
            const struct tn_net *n = device_of(p->d)->handle;
            const char *more = p->peer || n->front.dev ? ": " : "\n";
            buf_printf(out, " \\ %s%s", device_id(device_of(p->d)), more);
            if (p->peer)
                net_describe_back(p->peer, out);
            else if (n->front.dev)
                net_describe_nic(n->front.dev, out);
        }
    }
}

static const struct tn_net_backend port_ops = {.struct_size = sizeof port_ops, .send = port_send};

static const struct tn_prop port_props[] = {
    TN_PROP_ROW(struct hubport, hubid, "hubid", I64, TN_PF_NODEFAULT, 0, INT64_MIN,
                (uint64_t)INT32_MIN, INT32_MAX, NULL, NULL, "number of the hub"),
    TN_PROP_REF(struct hubport, peer, "netdev", NETDEV, 0,
                "back end on the other side; without it, a NIC's netdev= names this port"),
};

const struct tn_class net_hubport_class = {
    .struct_size = sizeof net_hubport_class,
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_NETDEV,
    .name = "hubport",
    .desc = "Port of a hub inside this machine",
    .instance_size = sizeof(struct hubport),
    .props = port_props,
    .nprops = ARRAY_SIZE(port_props),
    .prop_stride = sizeof port_props[0],
    .bus_ops = &port_ops,
    .init = port_init,
    .realize = port_realize,
    .unrealize = port_unrealize,
};
