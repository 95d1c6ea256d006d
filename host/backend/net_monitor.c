/* SPDX-License-Identifier: BSD-2-Clause */
/* What monitors are shown of networks. Main thread, but for net_rx_changed(). */
#include "net_impl.h"

#include "addr_put.h"
#include "monitor/monitor.h"
#include "util/alloc.h"
#include "util/buf.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

void net_say(struct tn_dev *d, const char *text)
{
    struct tn_net *n = device_of(d)->handle;
    free(n->info);
    n->info = xstrdup(text);
}

/* ---- NETDEV_STREAM_CONNECTED and its opposite ---- */

void net_connected(struct tn_dev *d, const void *addr, uint32_t len)
{
    struct device *dev = device_of(d);
    const struct sockaddr *a = addr;
    struct kv_node *data = kv_new(KV_DICT);
    ret_str(data, "netdev-id", device_id(dev));
    if (!a || len < sizeof a->sa_family) {
        monitor_event(dev->vm, "NETDEV_STREAM_DISCONNECTED", data);
        return;
    }
    addr_put(ret_dict(data, "addr"), addr, len);
    monitor_event(dev->vm, "NETDEV_STREAM_CONNECTED", data);
}

/* ---- filters of NICs ---- */

/* Told once, until somebody looks again: a guest could go on for ever. */
void net_rx_changed(struct tn_dev *d)
{
    struct device *dev = device_of(d);
    struct nets *nets = nets_of(dev->vm);
    struct net_nic *nic;
    uint32_t watched = 0;
    pthread_mutex_lock(&nets->lock);
    TAILQ_FOREACH(nic, &nets->nics, entry)
    if (nic->m.dev == dev)
        watched = __atomic_exchange_n(&nic->watched, 0, __ATOMIC_ACQ_REL);
    pthread_mutex_unlock(&nets->lock);
    if (!watched)
        return;
    struct kv_node *data = kv_new(KV_DICT);
    if (device_top(dev)->id)
        ret_str(data, "name", device_top(dev)->id);
    ret_str(data, "path", dev->path);
    monitor_event(dev->vm, "NIC_RX_FILTER_CHANGED", data);
}

static char *mac_text(const uint8_t *m)
{
    return xasprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void add_table(struct kv_node *out, const char *key, const uint8_t *macs, uint32_t n)
{
    struct kv_node *l = ret_list(out, key);
    for (uint32_t i = 0; i < n; i++) {
        AUTO_FREE char *text = mac_text(macs + 6 * (size_t)i);
        kv_add(l, NULL, kv_scalar(KV_STRING, text));
    }
}

static void add_vlans(struct kv_node *out, const uint8_t *vlans)
{
    struct kv_node *l = ret_list(out, "vlan-table");
    for (uint32_t i = 0; i < 4096; i++)
        if (!vlans || vlans[i / 8] >> i % 8 & 1)
            ret_uint(l, NULL, i);
}

static void add_filter(struct kv_node *list, const char *name, const struct tn_net_rx *r)
{
    static const char *const states[] = {"normal", "none", "all"};
    struct kv_node *out = ret_dict(list, NULL);
    AUTO_FREE char *mac = mac_text(r->mac);
    ret_str(out, "name", name);
    ret_bool(out, "promiscuous", r->flags & TN_NET_RXF_PROMISC);
    ret_str(out, "multicast", states[r->multicast % 3]);
    ret_str(out, "unicast", states[r->unicast % 3]);
    ret_str(out, "vlan", states[r->vlan % 3]);
    ret_bool(out, "broadcast-allowed", r->flags & TN_NET_RXF_BROADCAST);
    ret_bool(out, "multicast-overflow", r->flags & TN_NET_RXF_MULTI_OVERFLOW);
    ret_bool(out, "unicast-overflow", r->flags & TN_NET_RXF_UNI_OVERFLOW);
    ret_str(out, "main-mac", mac);
    add_vlans(out, r->vlans);
    add_table(out, "unicast-table", r->uni, r->nuni);
    add_table(out, "multicast-table", r->multi, r->nmulti);
}

/* The name that it has in `info network`: without an id the model, and its number among those. */
static char *nic_name(const struct net_nic *nic)
{
    struct device *top = device_top(nic->m.dev);
    const struct net_nic *other;
    unsigned n = 0;
    if (top->id)
        return xstrdup(top->id);
    TAILQ_FOREACH(other, &nets_of(top->vm)->nics, entry)
    {
        if (other == nic)
            break;
        n += device_top(other->m.dev)->entry == top->entry;
    }
    return xasprintf("%s.%u", top->entry->name, n);
}

static int query_one(struct net_nic *nic, const char *name, struct kv_node *list)
{
    struct tn_net_rx r = {.struct_size = sizeof r};
    struct device *d = nic->m.dev;
    void *self;
    const struct tn_nic *ops = device_iface(d, TN_NIC_1, &self);
    if (!TN_HAS(ops, rx_filter))
        return -ENOTSUP;
    __atomic_store_n(&nic->watched, 1, __ATOMIC_RELEASE);
    int entered = domain_enter(d->domain);
    int err = ops->rx_filter(self, &r);
    if (err == 0)
        add_filter(list, name, &r);
    domain_leave(d->domain, entered);
    return err;
}

int net_query_rx(struct vm *vm, const char *name, struct kv_node *list, struct tn_err *e)
{
    struct net_nic *nic;
    int found = 0;
    TAILQ_FOREACH(nic, &nets_of(vm)->nics, entry)
    {
        AUTO_FREE char *own = nic_name(nic);
        if (name && strcmp(own, name) != 0)
            continue;
        found = 1;
        if (query_one(nic, own, list) < 0 && name)
            return err_set(e, ENOTSUP, "net client(%s) doesn't support rx-filter querying", name);
    }
    if (name && !found && net_find(vm, name))
        return err_set(e, EINVAL, "net client(%s) isn't a NIC", name);
    return name && !found ? err_set(e, ENOENT, "invalid net client name: %s", name) : 0;
}

/* ---- info network ---- */

static void describe_filters(const struct tn_net *n, struct buf *out)
{
    const struct net_filter *f;
    if (!TAILQ_EMPTY(&n->filters))
        buf_str(out, "filters:\n");
    TAILQ_FOREACH(f, &n->filters, entry)
    buf_printf(out, "  - %s: type=%s\n", device_id(f->dev), f->dev->entry->name);
}

void net_describe_back(const struct tn_net *n, struct buf *out)
{
    for (uint32_t i = 0; i < (n->nq ? n->nq : 1); i++)
        buf_printf(out, "%s: index=%u,type=%s,%s\n", device_id(n->back), i, n->back->entry->name,
                   n->info ? n->info : "");
    describe_filters(n, out);
}

void net_describe_nic(struct device *dev, struct buf *out)
{
    const struct net_nic *nic;
    TAILQ_FOREACH(nic, &nets_of(dev->vm)->nics, entry)
    if (nic->m.dev == dev)
        break;
    if (!nic)
        return;
    AUTO_FREE char *name = nic_name(nic), *mac = mac_text(nic->mac);
    buf_printf(out, "%s: index=0,type=nic,model=%s,macaddr=%s\n", name,
               device_top(dev)->entry->name, mac);
}

static int in_hub(const struct tn_net *n)
{
    return n->hub || (n->front.dev && n->front.dev->entry->kind == TN_K_NETDEV);
}

static void describe(struct device *d, struct buf *out)
{
    const struct tn_net *n = d->handle_type == TN_P_NETDEV ? d->handle : NULL;
    if (n && !in_hub(n) && !n->front.dev)
        net_describe_back(n, out);
    const struct net_nic *nic;
    TAILQ_FOREACH(nic, &nets_of(d->vm)->nics, entry)
    if (nic->m.dev == d)
        break;
    const struct tn_net *peer = nic ? net_of_front(d->vm, d) : NULL;
    if (!nic || (peer && peer->hub))
        return;
    net_describe_nic(d, out);
    if (peer && peer->back) {
        buf_str(out, " \\ ");
        net_describe_back(peer, out);
    }
}

void net_describe(struct vm *vm, struct buf *out)
{
    struct device *d;
    net_hubs_describe(vm, out);
    TAILQ_FOREACH(d, &vm->devices, all)
    describe(d, out);
}

/* ---- ports of the host ---- */

const struct tn_net_forwards *net_forwards(struct vm *vm, const char *id, struct device **d)
{
    TAILQ_FOREACH(*d, &vm->devices, all)
    {
        void *self;
        if ((*d)->entry->kind != TN_K_NETDEV || (*d)->stage != DEV_REALIZED ||
            (id && strcmp(device_id(*d), id) != 0))
            continue;
        const struct tn_net_forwards *f = device_iface(*d, TN_NET_FORWARDS_1, &self);
        if (f)
            return f;
    }
    return NULL;
}

static void describe_forwards(struct device *d, const struct tn_net_forwards *f, void *self,
                              struct buf *out)
{
    enum { MOST = 65536 };
    AUTO_FREE char *text = xcalloc(1, MOST);
    int entered = domain_enter(d->domain);
    f->info(self, text, MOST);
    domain_leave(d->domain, entered);
    buf_printf(out, "Hub -1 (%s):\n%s", device_id(d), text);
}

void net_describe_forwards(struct vm *vm, struct buf *out)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        void *self;
        const struct tn_net_forwards *f = d->entry->kind == TN_K_NETDEV && d->stage == DEV_REALIZED
                                              ? device_iface(d, TN_NET_FORWARDS_1, &self)
                                              : NULL;
        if (TN_HAS(f, info))
            describe_forwards(d, f, self, out);
    }
}
