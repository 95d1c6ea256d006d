/* SPDX-License-Identifier: BSD-2-Clause */
/* The handle: its life, who is attached to it, and the tables. */
#include "net_impl.h"

#include "core/bus.h"
#include "core/loop.h"
#include <errno.h>
#include <stdlib.h>

/* ---- life ---- */

void net_ref(struct tn_net *n)
{
    __atomic_add_fetch(&n->refs, 1, __ATOMIC_RELAXED);
}

void net_unref(struct tn_net *n)
{
    if (__atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (uint32_t i = 0; i < n->nq; i++) {
        free(n->q[i].out.ring.data);
        free(n->q[i].in.ring.data);
    }
    pthread_mutex_destroy(&n->lock);
    LIST_REMOVE(n, all);
    free(n->info);
    free(n->q);
    free(n);
}

/* The back end is gone: its front end's cable is out, and what it sends is lost. */
static void release_back(struct managed *m)
{
    struct tn_net *n = (struct tn_net *)m;
    managed_del(m);
    pthread_mutex_lock(&n->lock);
    struct tn_bh *bh = n->back_bh;
    n->back->handle = NULL;
    n->back = NULL;
    n->back_bh = NULL;
    n->down |= NET_DOWN_BACK;
    net_kick_front(n);
    pthread_mutex_unlock(&n->lock);
    if (bh)
        bh_del(bh);
    net_unref(n);
}

static struct tn_net *net_new(struct vm *vm)
{
    struct tn_net *n = XNEW(struct tn_net);
    pthread_mutex_init(&n->lock, NULL);
    TAILQ_INIT(&n->filters);
    LIST_INSERT_HEAD(&nets_of(vm)->all, n, all);
    return n;
}

struct tn_net *net_create(struct device *d)
{
    const struct tn_net_backend *be = d->pub.cls->bus_ops;
    if (d->handle || !TN_HAS(be, send))
        return d->handle;
    struct tn_net *n = net_new(d->vm);
    n->m.release = release_back;
    n->refs = 1;
    n->back = d;
    n->be = be;
    n->hub = d->pub.cls == &net_hubport_class;
    managed_add(d, &n->m);
    d->handle = n;
    d->handle_type = TN_P_NETDEV;
    return n;
}

struct tn_net *net_find(struct vm *vm, const char *id)
{
    struct device *d = device_find(vm, TN_K_NETDEV, id);
    return d && d->handle_type == TN_P_NETDEV ? d->handle : NULL;
}

struct nets *nets_of(struct vm *vm)
{
    if (!vm->nets) {
        vm->nets = XNEW(struct nets);
        TAILQ_INIT(&vm->nets->nics);
        pthread_mutex_init(&vm->nets->lock, NULL);
    }
    return vm->nets;
}

void net_free(struct vm *vm)
{
    for (size_t i = 0; vm->nets && i < vm->nets->nnics; i++)
        free(vm->nets->nic_netdev[i]);
    if (vm->nets) {
        net_announces_free(vm->nets);
        pthread_mutex_destroy(&vm->nets->lock);
        free(vm->nets->nic_netdev);
    }
    free(vm->nets);
    vm->nets = NULL;
}

/* ---- attaching ---- */

/* Tells the back end of a front end that came or went; of both if one followed the other. */
static void tell_peer(void *p)
{
    struct tn_net *n = p;
    void *s = n->back->pub.self;
    pthread_mutex_lock(&n->lock);
    uint32_t was = n->told_peer, is = n->front.gen;
    n->told_peer = is;
    pthread_mutex_unlock(&n->lock);
    if (was == is)
        return;
    if (was && TN_HAS(n->be, peer))
        n->be->peer(s, 0);
    if (is && TN_HAS(n->be, peer))
        n->be->peer(s, 1);
    for (uint32_t i = 0; is && TN_HAS(n->be, can_receive) && i < n->nq; i++)
        n->be->can_receive(s, i);
}

static void forget(struct tn_net *n)
{
    n->lent = n->served = 0;
    for (uint32_t i = 0; i < n->nq; i++) {
        struct net_lane *in = &n->q[i].in;
        *in = (struct net_lane){.ring.data = in->ring.data};
        n->q[i].kept = NULL;
        n->q[i].starved = n->q[i].tell_room = 0;
    }
}

/* The front end leaves: no call into it begins from here on. */
static void stop_front(struct managed *m)
{
    struct net_front *f = (struct net_front *)m;
    pthread_mutex_lock(&f->n->lock);
    f->gen = 0;
    pthread_mutex_unlock(&f->n->lock);
}

static void release_front(struct managed *m)
{
    struct net_front *f = (struct net_front *)m;
    struct tn_net *n = f->n;
    managed_del(m);
    pthread_mutex_lock(&n->lock);
    struct tn_bh *bh = f->bh;
    struct device *back = n->back;
    *f = (struct net_front){.n = n};
    forget(n);
    pthread_mutex_unlock(&n->lock);
    bh_del(bh);
    if (back) {
        back->holds--;
        device_defer(back, tell_peer, n);
    }
    net_unref(n);
}

/* A bottom half that goes with the handle, not with its device: another thread may kick it until
 * then. It takes the lock itself. */
static struct tn_bh *own_bh(struct tn_ctx *ctx, struct device *d, void (*fn)(void *), void *s)
{
    struct tn_bh *bh = bh_new(ctx, d, TN_LF_NOLOCK, fn, s);
    managed_del(&bh->m);
    return bh;
}

static void make_queues(struct tn_net *n)
{
    uint32_t nq = n->back && TN_HAS(n->be, queues) ? n->be->queues(n->back->pub.self) : 1;
    n->nq = nq == 0 ? 1 : nq < NET_QUEUES_MAX ? nq : NET_QUEUES_MAX;
    n->q = xcalloc(n->nq, sizeof *n->q);
}

static int in_use(struct device *d, const struct tn_net *n, struct tn_err *e)
{
    return err_set(e, EBUSY, "Property '%s.netdev' can't take value '%s', it's in use",
                   device_top(d)->entry->name, device_id(n->back));
}

/* The back end learns who came, and stays as long as it is used. */
static void take_back(struct tn_net *n)
{
    if (!n->back)
        return;
    n->back->holds++;
    device_defer(n->back, tell_peer, n);
}

static void attach(struct tn_net *n, struct device *d, struct tn_ctx *ctx,
                   const struct tn_net_ops *o, void *s)
{
    struct device *back = n->back;
    struct tn_bh *bh = own_bh(ctx, d, net_front_run, &n->front);
    struct tn_bh *back_bh = n->back_bh || !back ? NULL : own_bh(back->home, back, net_back_run, n);
    if (!n->q)
        make_queues(n);
    pthread_mutex_lock(&n->lock); /* a leaf: nothing above could be done under it */
    n->front = (struct net_front){.m.release = release_front,
                                  .m.stop = stop_front,
                                  .n = n,
                                  .dev = d,
                                  .ctx = ctx,
                                  .ops = o,
                                  .s = s,
                                  .bh = bh,
                                  .link = 1};
    if (back_bh)
        n->back_bh = back_bh;
    n->front.gen = ++n->last_gen ? n->last_gen : ++n->last_gen;
    bh_kick(bh);
    pthread_mutex_unlock(&n->lock);
    net_ref(n);
    managed_add(d, &n->front.m);
    take_back(n);
}

int net_attach(struct tn_net *n, struct device *d, struct tn_ctx *c, const struct tn_net_ops *o,
               void *s, struct tn_err *e)
{
    if ((n && !n->back) || !o->receive)
        return err_set(e, ENODEV, "%s: no network back end", d->entry->name);
    if (n && (n->front.dev || (n->hub && net_hubport_is_taken(n->back))))
        return in_use(d, n, e);
    attach(n ? n : net_new(d->vm), d, c ? c : d->home, o, s);
    return 0;
}

/* ---- "tenon.netdev/1" ---- */

static int t_attach(struct tn_net *n, struct tn_dev *d, struct tn_ctx *c,
                    const struct tn_net_ops *o, void *s, struct tn_err *e)
{
    return net_attach(n, device_of(d), c, o, s, e);
}

static uint32_t t_queues(struct tn_net *n)
{
    if (n && n->back && !n->q)
        make_queues(n);
    return n && n->q ? n->nq : 1;
}

static void t_flush(struct tn_net *n, uint32_t i)
{
    if (!n || i >= n->nq)
        return;
    pthread_mutex_lock(&n->lock);
    n->q[i].in.unblocks++;
    n->q[i].in.blocked = 0;
    if (!net_ring_empty(&n->q[i].in.ring))
        net_kick_front(n);
    pthread_mutex_unlock(&n->lock);
}

static int t_purge(struct tn_net *n, uint32_t i)
{
    if (!n || i >= n->nq)
        return 0;
    pthread_mutex_lock(&n->lock);
    int had = n->q[i].kept != NULL;
    n->q[i].kept = NULL;
    pthread_mutex_unlock(&n->lock);
    return had;
}

/* Everything that is on its way has the old header. */
static void make_stale(struct tn_net *n)
{
    for (uint32_t i = 0; i < n->nq; i++) {
        struct net_lane *lanes[] = {&n->q[i].out, &n->q[i].in};
        for (uint32_t k = 0; k < ARRAY_SIZE(lanes); k++) {
            lanes[k]->stale = lanes[k]->ring.head;
            lanes[k]->drop = 1;
        }
    }
}

/* In the front end's realize, where it may try several, the answer is the back end's; later that
 * has agreed to some, or to none. */
static int set_offload(struct tn_net *n, struct net_offload o)
{
    struct device *back = n->back, *d = n->front.dev;
    int ask = loop_here(back->vm->main) && (!d || d->stage < DEV_REALIZED), r = 0;
    if (ask) {
        int entered = domain_enter(back->domain);
        r = n->be->offload(back->pub.self, o.hdr_len, o.to_guest, o.from_guest);
        domain_leave(back->domain, entered);
    }
    pthread_mutex_lock(&n->lock);
    if (ask)
        n->offload_refused = r < 0 && !n->offload_agreed;
    n->offload_agreed |= ask && r >= 0;
    if (!ask && n->offload_refused)
        r = -ENOTSUP;
    if (r >= 0) {
        if (n->offload.hdr_len != o.hdr_len)
            make_stale(n);
        n->offload = o;
        n->offload_posted = ask ? 0 : ++n->last_posted ? n->last_posted : ++n->last_posted;
        net_kick_back(n);
    }
    pthread_mutex_unlock(&n->lock);
    return r < 0 ? r : 0;
}

static int t_offload(struct tn_net *n, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest)
{
    if (hdr_len != 0 && hdr_len != 10 && hdr_len != 12)
        return -EINVAL;
    if (!n || !n->back || n->hub || !TN_HAS(n->be, offload))
        return hdr_len || to_guest || from_guest ? -ENOTSUP : 0;
    return set_offload(n, (struct net_offload){hdr_len, to_guest, from_guest});
}

static int t_fds(struct tn_net *n, int *fd, uint32_t max)
{
    if (!n || !n->back || n->hub || net_is_filtered(n) || !TN_HAS(n->be, fds))
        return -ENOTSUP;
    int entered = domain_enter(n->back->domain);
    int r = n->be->fds(n->back->pub.self, fd, max);
    domain_leave(n->back->domain, entered);
    n->lent = r > 0;
    return r;
}

static const void *t_get_iface(struct tn_net *n, const char *id, void **handle)
{
    if (!n || !n->back || net_is_filtered(n))
        return NULL;
    const void *table = device_iface(n->back, id, handle);
    n->served |= table != NULL;
    return table;
}

static const uint8_t first_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

static void release_nic(struct managed *m)
{
    struct net_nic *nic = (struct net_nic *)m;
    struct nets *nets = nets_of(m->dev->vm);
    if (nic->counted)
        nets->macs[nic->mac[5]]--;
    managed_del(m);
    pthread_mutex_lock(&nets->lock);
    TAILQ_REMOVE(&nets->nics, nic, entry);
    pthread_mutex_unlock(&nets->lock);
    free(nic);
}

static uint8_t free_mac(const struct nets *nets)
{
    uint32_t at = first_mac[5];
    for (uint32_t i = 0; i < 256 && nets->macs[at]; i++)
        at = (at + 1) % 256;
    return (uint8_t)at;
}

static void t_mac(struct tn_dev *pub, uint8_t mac[6])
{
    static const uint8_t none[6];
    struct device *d = device_of(pub);
    struct nets *nets = nets_of(d->vm);
    if (memcmp(mac, none, 6) == 0) {
        memcpy(mac, first_mac, 5);
        mac[5] = free_mac(nets);
    }
    struct net_nic *nic = XNEW(struct net_nic);
    *nic = (struct net_nic){.m.release = release_nic, .counted = memcmp(mac, first_mac, 5) == 0};
    memcpy(nic->mac, mac, 6);
    if (nic->counted)
        nets->macs[mac[5]]++;
    managed_add(d, &nic->m);
    pthread_mutex_lock(&nets->lock);
    TAILQ_INSERT_TAIL(&nets->nics, nic, entry);
    pthread_mutex_unlock(&nets->lock);
}

const struct tn_netdev netdev_table = {
    .struct_size = sizeof(struct tn_netdev),
    .rev = 1,
    .attach = t_attach,
    .queues = t_queues,
    .send = net_send,
    .flush = t_flush,
    .offload = t_offload,
    .fds = t_fds,
    .get_iface = t_get_iface,
    .purge = t_purge,
    .mac = t_mac,
    .rx_changed = net_rx_changed,
};

/* ---- "tenon.net-feed/1" ---- */

static int64_t f_deliver(struct tn_dev *d, uint32_t q, const struct tn_iov *v, uint32_t nv)
{
    return net_deliver(device_of(d)->handle, q, v, nv);
}

static void f_link(struct tn_dev *d, uint32_t up)
{
    net_set_down(device_of(d)->handle, NET_DOWN_BACK, up != 0);
}

static void f_writable(struct tn_dev *d, uint32_t i)
{
    struct tn_net *n = device_of(d)->handle;
    pthread_mutex_lock(&n->lock);
    if (i < n->nq) {
        n->q[i].out.unblocks++;
        n->q[i].out.blocked = 0;
        net_kick_back(n);
    }
    pthread_mutex_unlock(&n->lock);
}

const struct tn_net_feed net_feed_table = {
    .struct_size = sizeof(struct tn_net_feed),
    .rev = 1,
    .deliver = f_deliver,
    .link = f_link,
    .writable = f_writable,
    .info = net_say,
    .connected = net_connected,
};

/* ---- the host's own classes ---- */

static const struct tn_class *const classes[] = {&net_hubport_class,    &net_dump_class,
                                                 &net_buffer_class,     &net_mirror_class,
                                                 &net_redirector_class, NULL};

const struct tn_plugin net_plugin = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "net",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "Hubs and filters of the host",
    .classes = classes,
};
