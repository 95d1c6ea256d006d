/* SPDX-License-Identifier: BSD-2-Clause */
/* Cables: set_link pulls and plugs them, netdev_del takes away what is at the other end. Main
 * thread. */
#include "net_impl.h"

#include <errno.h>

struct tn_net *net_of_front(struct vm *vm, const struct device *dev)
{
    struct tn_net *n;
    LIST_FOREACH(n, &nets_of(vm)->all, all)
    if (n->front.dev == dev)
        return n;
    return NULL;
}

static struct tn_net *net_of_nic(struct vm *vm, const char *id)
{
    const struct net_nic *nic;
    TAILQ_FOREACH(nic, &nets_of(vm)->nics, entry)
    if (strcmp(device_id(nic->m.dev), id) == 0)
        return net_of_front(vm, nic->m.dev);
    return NULL;
}

static int not_found(const char *id, struct tn_err *e)
{
    err_set(e, ENODEV, "Device '%s' not found", id);
    return err_class(e, "DeviceNotFound");
}

void net_set_down(struct tn_net *n, uint32_t bit, int up)
{
    pthread_mutex_lock(&n->lock);
    n->down = up ? n->down & ~bit : n->down | bit;
    net_kick_front(n);
    pthread_mutex_unlock(&n->lock);
}

int net_set_link(struct vm *vm, const char *id, int up, struct tn_err *e)
{
    struct tn_net *n = net_find(vm, id);
    if (!n)
        n = net_of_nic(vm, id);
    if (!n)
        return not_found(id, e);
    net_set_down(n, NET_DOWN_USER, up);
    return 0;
}

/* What the front end has of the back end's own is given back. */
static int give_back(struct tn_net *n, struct tn_err *e)
{
    struct device *d = n->front.dev;
    if (!d || !(n->lent || n->served))
        return 0;
    int entered = domain_enter(d->domain);
    int r = TN_HAS(n->front.ops, gone) ? n->front.ops->gone(n->front.s) : -EBUSY;
    domain_leave(d->domain, entered);
    return r < 0 ? err_set(e, -r, "Device '%s' is in use: '%s' has its descriptors",
                           device_id(n->back), device_id(d))
                 : 0;
}

int net_remove(struct vm *vm, const char *id, struct tn_err *e)
{
    struct tn_net *n = net_find(vm, id);
    if (!n)
        return not_found(id, e);
    if (n->back->busy)
        return err_set(e, EBUSY, "Device '%s' is in use", id);
    int r = give_back(n, e);
    if (r == 0)
        device_free(n->back);
    return r;
}
