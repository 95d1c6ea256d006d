/* SPDX-License-Identifier: BSD-2-Clause */
/* "tenon.net-filter-chain/1": the filters of a back end. */
#include "net_filter.h"

#include <errno.h>
#include <stdlib.h>

/* ---- running them ---- */

static struct net_filter *by_serial(const struct tn_net *n, uint32_t serial)
{
    struct net_filter *f;
    TAILQ_FOREACH(f, &n->filters, entry)
    if (f->serial == serial)
        return f;
    return NULL;
}

static struct net_filter *step(const struct tn_net *n, const struct net_filter *f, uint32_t dir)
{
    if (dir == TN_NET_TO_GUEST)
        return f ? TAILQ_NEXT(f, entry) : TAILQ_FIRST(&n->filters);
    return f ? TAILQ_PREV(f, net_filter_list, entry) : TAILQ_LAST(&n->filters, net_filter_list);
}

/* The one behind filter `after` (0: the first) in that direction. A filter that has gone was the
 * last. */
static struct net_filter *next_filter(struct tn_net *n, uint32_t dir, uint32_t after)
{
    pthread_mutex_lock(&n->lock);
    struct net_filter *f = after ? by_serial(n, after) : NULL;
    f = after && !f ? NULL : step(n, f, dir);
    while (f && (!(f->dirs & dir) || f->stopped))
        f = step(n, f, dir);
    pthread_mutex_unlock(&n->lock);
    return f;
}

int net_filter_run(struct tn_net *n, uint32_t dir, uint32_t q, struct net_rec *rec)
{
    struct net_filter *f;
    while ((f = next_filter(n, dir, rec->after))) {
        struct tn_iov v = {rec + 1, rec->len};
        domain_lock(f->dev->domain);
        int r = f->ops->packet(f->self, dir, q, &v, 1);
        domain_unlock(f->dev->domain);
        if (r != 0)
            return NET_TAKEN;
        rec->after = f->serial;
    }
    return NET_PASS;
}

int net_is_filtered(struct tn_net *n)
{
    return __atomic_load_n(&n->nfilters, __ATOMIC_ACQUIRE) != 0;
}

/* ---- putting them in ---- */

static void stop_filter(struct managed *m)
{
    struct net_filter *f = (struct net_filter *)m;
    pthread_mutex_lock(&f->n->lock);
    f->stopped = 1;
    pthread_mutex_unlock(&f->n->lock);
}

static void release_filter(struct managed *m)
{
    struct net_filter *f = (struct net_filter *)m;
    struct tn_net *n = f->n;
    managed_del(m);
    pthread_mutex_lock(&n->lock);
    TAILQ_REMOVE(&n->filters, f, entry);
    __atomic_sub_fetch(&n->nfilters, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&n->lock);
    free(f);
    net_unref(n);
}

static struct net_filter *by_id(struct tn_net *n, const char *id)
{
    struct net_filter *f;
    TAILQ_FOREACH(f, &n->filters, entry)
    if (strcmp(device_id(f->dev), id) == 0)
        return f;
    return NULL;
}

/* 1 behind, 0 before *at (NULL: all); -ENOENT. */
static int find_place(struct tn_net *n, const char *position, struct net_filter **at,
                      struct tn_err *e)
{
    *at = NULL;
    if (!position || strcmp(position, "tail") == 0)
        return 1;
    if (strcmp(position, "head") == 0)
        return 0;
    int behind = strncmp(position, "id=", 3) == 0;
    const char *id = strchr(position, '=');
    *at = id && (behind || strncmp(position, "before=", 7) == 0) ? by_id(n, id + 1) : NULL;
    return *at ? behind
               : err_set(e, ENOENT, "filter '%s' not found on this netdev", id ? id + 1 : position);
}

static void put(struct tn_net *n, struct net_filter *f, struct net_filter *at, int behind)
{
    pthread_mutex_lock(&n->lock);
    f->serial = ++n->serial;
    if (at && behind)
        TAILQ_INSERT_AFTER(&n->filters, at, f, entry);
    else if (at)
        TAILQ_INSERT_BEFORE(at, f, entry);
    else if (behind)
        TAILQ_INSERT_TAIL(&n->filters, f, entry);
    else
        TAILQ_INSERT_HEAD(&n->filters, f, entry);
    __atomic_add_fetch(&n->nfilters, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&n->lock);
}

/* A vhost back end moves packets where no filter sees them. */
static int may_insert(struct tn_net *n, const struct device *d, struct tn_err *e)
{
    void *self;
    if (!n || !n->back)
        return err_set(e, ENODEV, "%s: no network back end", d->entry->name);
    if (device_iface(n->back, TN_VHOST_1, &self))
        return err_set(e, ENOTSUP, "Vhost is not supported");
    if (n->lent)
        return err_set(e, EBUSY, "netdev '%s': its NIC moves packets itself; filters come first",
                       device_id(n->back));
    return 0;
}

static int t_insert(struct tn_net *n, struct tn_dev *pub, uint32_t dirs, const char *position,
                    struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct net_filter *f, *at;
    void *self;
    int r = may_insert(n, d, e), behind = r < 0 ? r : find_place(n, position, &at, e);
    if (behind < 0)
        return behind;
    const struct tn_net_filter *ops = device_iface(d, TN_NET_FILTER_1, &self);
    if (!TN_HAS(ops, packet) || !(dirs & (TN_NET_FROM_GUEST | TN_NET_TO_GUEST)))
        return err_set(e, EINVAL, "%s is no filter", d->entry->name);
    f = XNEW(struct net_filter);
    *f = (struct net_filter){.m.stop = stop_filter,
                             .m.release = release_filter,
                             .n = n,
                             .dev = d,
                             .ops = ops,
                             .self = self,
                             .dirs = dirs};
    put(n, f, at, behind);
    net_ref(n);
    managed_add(d, &f->m);
    return 0;
}

const char *const net_filter_queues[] = {"all", "rx", "tx", NULL};
const char *const net_filter_inserts[] = {"behind", "before", NULL};

int net_filter_join(const struct net_filter_opts *o, struct tn_dev *d, struct tn_err *e)
{
    static const uint32_t dirs[] = {TN_NET_FROM_GUEST | TN_NET_TO_GUEST, TN_NET_FROM_GUEST,
                                    TN_NET_TO_GUEST};
    int relative = o->insert && strncmp(o->position, "id=", 3) == 0;
    AUTO_FREE char *before = relative ? xasprintf("before=%s", o->position + 3) : NULL;
    if (!o->n)
        return err_set(e, EINVAL, "Parameter 'netdev' is missing");
    return t_insert(o->n, d, dirs[o->queue], before ? before : o->position, e);
}

/* ---- what filters ask for ---- */

static struct net_filter *filter_of(const struct tn_dev *d)
{
    struct net_filter *found = NULL;
    struct device *dev = device_of(d);
    pthread_mutex_lock(&dev->managed_lock);
    for (struct managed *m = dev->managed.next; m != &dev->managed && !found; m = m->next)
        if (m->release == release_filter)
            found = (struct net_filter *)m;
    pthread_mutex_unlock(&dev->managed_lock);
    return found;
}

static int64_t t_resubmit(struct tn_dev *d, uint32_t dir, uint32_t q, const struct tn_iov *v,
                          uint32_t nv)
{
    struct net_filter *f = filter_of(d);
    uint64_t len = net_iov_len(v, nv);
    if (!f || !len || len > NET_PACKET_MAX)
        return f ? -EINVAL : -ENOTCONN;
    struct tn_net *n = f->n;
    int64_t r = (int64_t)len;
    pthread_mutex_lock(&n->lock);
    if (q >= n->nq || !n->back || !n->front.gen)
        r = -ENOTCONN;
    else if (!net_ring_put(dir == TN_NET_TO_GUEST ? &n->q[q].in.ring : &n->q[q].out.ring, v, nv,
                           (uint32_t)len, f->serial))
        r = 0;
    else if (dir == TN_NET_TO_GUEST)
        net_kick_front(n);
    else
        net_kick_back(n);
    pthread_mutex_unlock(&n->lock);
    return r;
}

static uint32_t t_hdr_len(struct tn_dev *d)
{
    struct net_filter *f = filter_of(d);
    if (!f)
        return 0;
    pthread_mutex_lock(&f->n->lock);
    uint32_t len = f->n->offload.hdr_len;
    pthread_mutex_unlock(&f->n->lock);
    return len;
}

const struct tn_net_filters net_chain_table = {
    .struct_size = sizeof(struct tn_net_filters),
    .rev = 1,
    .insert = t_insert,
    .resubmit = t_resubmit,
    .hdr_len = t_hdr_len,
};
