/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets on their way. */
#include "net_impl.h"

#include "core/loop.h"
#include <errno.h>

void net_kick_front(struct tn_net *n)
{
    if (n->front.bh)
        bh_kick(n->front.bh);
}

void net_kick_back(struct tn_net *n)
{
    if (n->back_bh)
        bh_kick(n->back_bh);
}

/* ---- a lane's reading end; the lock is held ---- */

/* The packet that is next, NULL if there is none or nobody takes it now. */
static struct net_rec *look(struct net_lane *l)
{
    while (l->drop && (int32_t)(l->stale - l->ring.tail) > 0) {
        net_ring_drop(&l->ring);
        l->passed = 0;
    }
    l->drop = 0;
    return l->blocked ? NULL : net_ring_peek(&l->ring);
}

static void drop(struct net_lane *l)
{
    net_ring_drop(&l->ring);
    l->passed = 0;
}

/* Takes the packet that is next through the filters. 1: it goes on, 0: there is none. Who takes it
 * holds dom, which is let go of while a filter runs. */
static int filtered(struct tn_net *n, struct net_lane *l, uint32_t dir, uint32_t q,
                    struct domain *dom)
{
    for (;;) {
        pthread_mutex_lock(&n->lock);
        struct net_rec *rec = look(l);
        int ready = !rec || l->passed || !n->nfilters;
        pthread_mutex_unlock(&n->lock);
        if (ready)
            return rec != NULL;
        domain_unlock(dom);
        int verdict = net_filter_run(n, dir, q, rec);
        domain_lock(dom);
        pthread_mutex_lock(&n->lock);
        if (verdict == NET_PASS)
            l->passed = 1;
        else
            drop(l);
        pthread_mutex_unlock(&n->lock);
    }
}

/* r is what the taker said to the packet that is next; seen: unblocks before it was asked. Returns
 * 0 if it takes no more. */
static int settle(struct net_lane *l, int64_t r, uint32_t seen)
{
    if (r != 0)
        drop(l);
    else
        l->blocked = l->unblocks == seen;
    return !l->blocked;
}

/* ---- guest to world ---- */

static int may_go_direct(const struct tn_net *n, const struct net_queue *q)
{
    return (n->be->flags & TN_NETB_ANY) && !n->nfilters && !n->offload_posted && !q->out.blocked &&
           net_ring_empty(&q->out.ring);
}

/* The lock is let go of meanwhile; the back end's bottom half leaves a queue alone that is in here.
 */
static int64_t send_direct(struct tn_net *n, uint32_t i, const struct tn_iov *v, uint32_t nv)
{
    struct net_queue *q = &n->q[i];
    uint32_t seen = q->out.unblocks;
    void *s = n->back->pub.self;
    q->direct = 1;
    pthread_mutex_unlock(&n->lock);
    int64_t r = n->be->send(s, i, v, nv);
    pthread_mutex_lock(&n->lock);
    q->direct = 0;
    if (r == 0)
        q->out.blocked = q->out.unblocks == seen;
    if (!net_ring_empty(&q->out.ring))
        net_kick_back(n);
    return r;
}

static int64_t enqueue(struct tn_net *n, struct net_queue *q, const struct tn_iov *v, uint32_t nv,
                       uint32_t len, int may_keep)
{
    if (net_ring_put(&q->out.ring, v, nv, len, 0)) {
        net_kick_back(n);
        return len;
    }
    return may_keep ? 0 : -ENOBUFS;
}

static int64_t send_locked(struct tn_net *n, uint32_t i, const struct tn_iov *v, uint32_t nv,
                           uint32_t len, int may_keep)
{
    struct net_queue *q = &n->q[i];
    if (!n->back || n->down)
        return len;
    if (q->kept)
        return -EBUSY;
    int64_t r = may_go_direct(n, q) ? send_direct(n, i, v, nv) : 0;
    return r ? r : enqueue(n, q, v, nv, len, may_keep);
}

void net_inject(struct tn_net *n, const void *frame, uint32_t len)
{
    static const uint8_t zeros[12];
    pthread_mutex_lock(&n->lock);
    struct tn_iov v[] = {{(void *)(uintptr_t)zeros, n->offload.hdr_len},
                         {(void *)(uintptr_t)frame, len}};
    if (n->back && n->q && !n->down)
        enqueue(n, &n->q[0], v, 2, n->offload.hdr_len + len, 0);
    pthread_mutex_unlock(&n->lock);
}

int64_t net_send(struct tn_net *n, uint32_t i, const struct tn_iov *v, uint32_t nv,
                 void (*sent)(void *), void *arg)
{
    uint64_t len = net_iov_len(v, nv);
    if (!n || i >= n->nq || !len || len > NET_PACKET_MAX)
        return -EINVAL;
    pthread_mutex_lock(&n->lock);
    int64_t r = send_locked(n, i, v, nv, (uint32_t)len, sent != NULL);
    if (r == 0) {
        struct net_queue *q = &n->q[i];
        q->kept = v;
        q->nkept = nv;
        q->sent = sent;
        q->arg = arg;
    }
    pthread_mutex_unlock(&n->lock);
    return r;
}

/* With the back end's lock. 0 when it takes no more, or nothing is left. */
static int send_next(struct tn_net *n, uint32_t i)
{
    struct net_queue *q = &n->q[i];
    pthread_mutex_lock(&n->lock);
    struct net_rec *rec = q->direct ? NULL : look(&q->out);
    uint32_t seen = q->out.unblocks;
    pthread_mutex_unlock(&n->lock);
    if (!rec)
        return 0;
    struct tn_iov v = {rec + 1, rec->len};
    int64_t r = n->be->send(n->back->pub.self, i, &v, 1);
    pthread_mutex_lock(&n->lock);
    int more = settle(&q->out, r, seen);
    pthread_mutex_unlock(&n->lock);
    return more;
}

static void send_batch(struct tn_net *n, uint32_t i)
{
    struct net_queue *q = &n->q[i];
    struct domain *dom = n->back->domain;
    uint32_t left = NET_BATCH;
    while (left && filtered(n, &q->out, TN_NET_FROM_GUEST, i, dom) && send_next(n, i))
        left--;
    pthread_mutex_lock(&n->lock);
    if (!left)
        net_kick_back(n);
    if (q->kept && net_ring_roomy(&q->out.ring))
        net_kick_front(n);
    pthread_mutex_unlock(&n->lock);
}

static uint32_t take_flag(struct tn_net *n, uint32_t *flag)
{
    pthread_mutex_lock(&n->lock);
    uint32_t was = *flag;
    *flag = 0;
    pthread_mutex_unlock(&n->lock);
    return was;
}

/* Packets with the header of before are gone first: deliver() and send() have seen to that. */
static void apply_offload(struct tn_net *n)
{
    pthread_mutex_lock(&n->lock);
    struct net_offload o = n->offload;
    uint32_t posted = n->offload_posted;
    pthread_mutex_unlock(&n->lock);
    if (!posted)
        return;
    n->be->offload(n->back->pub.self, o.hdr_len, o.to_guest, o.from_guest);
    pthread_mutex_lock(&n->lock);
    if (n->offload_posted == posted)
        n->offload_posted = 0;
    else
        net_kick_back(n);
    pthread_mutex_unlock(&n->lock);
}

void net_back_run(void *p)
{
    struct tn_net *n = p;
    struct domain *dom = n->back->domain;
    domain_lock(dom);
    apply_offload(n);
    for (uint32_t i = 0; i < n->nq; i++) {
        if (take_flag(n, &n->q[i].tell_room) && TN_HAS(n->be, can_receive))
            n->be->can_receive(n->back->pub.self, i);
        send_batch(n, i);
    }
    domain_unlock(dom);
}

/* ---- world to guest ---- */

int64_t net_deliver(struct tn_net *n, uint32_t i, const struct tn_iov *v, uint32_t nv)
{
    uint64_t len = net_iov_len(v, nv);
    if (!len || len > NET_PACKET_MAX)
        return -EINVAL;
    pthread_mutex_lock(&n->lock);
    int64_t r = (int64_t)len;
    if (!n->front.gen || i >= n->nq)
        r = n->front.gen ? -EINVAL : -ENOTCONN;
    else if (n->down || n->offload_posted)
        ; /* it is lost, as on a cable that is being changed */
    else if (net_ring_put(&n->q[i].in.ring, v, nv, (uint32_t)len, 0))
        net_kick_front(n);
    else
        r = 0;
    if (r == 0)
        n->q[i].starved = 1;
    pthread_mutex_unlock(&n->lock);
    return r;
}

/* Who calls front_run(): the attachment as it was at the start. */
struct taker {
    struct tn_net *n;
    const struct tn_net_ops *ops;
    void *s;
    struct domain *dom;
    uint32_t gen;
};

/* With the front end's lock. 0 when it takes no more, or nothing is left. */
static int receive_next(const struct taker *t, uint32_t i)
{
    struct tn_net *n = t->n;
    struct net_queue *q = &n->q[i];
    pthread_mutex_lock(&n->lock);
    struct net_rec *rec = n->front.gen == t->gen ? look(&q->in) : NULL;
    uint32_t seen = q->in.unblocks;
    pthread_mutex_unlock(&n->lock);
    if (!rec)
        return 0;
    struct tn_iov v = {rec + 1, rec->len};
    int64_t r = t->ops->receive(t->s, i, &v, 1);
    pthread_mutex_lock(&n->lock);
    int more = n->front.gen == t->gen && settle(&q->in, r, seen);
    if (q->starved && net_ring_roomy(&q->in.ring)) {
        q->starved = 0;
        q->tell_room = 1;
        net_kick_back(n);
    }
    pthread_mutex_unlock(&n->lock);
    return more;
}

static void receive_batch(const struct taker *t, uint32_t i)
{
    struct tn_net *n = t->n;
    uint32_t left = NET_BATCH, any = 0;
    while (left && filtered(n, &n->q[i].in, TN_NET_TO_GUEST, i, t->dom) && ++any &&
           receive_next(t, i))
        left--;
    if (any && TN_HAS(t->ops, received))
        t->ops->received(t->s, i);
    pthread_mutex_lock(&n->lock);
    if (!left)
        net_kick_front(n);
    pthread_mutex_unlock(&n->lock);
}

/* The packet that send() kept goes into the ring, and sent() says so. */
static void finish_kept(const struct taker *t, uint32_t i)
{
    struct net_queue *q = &t->n->q[i];
    void (*sent)(void *) = NULL;
    void *arg = NULL;
    pthread_mutex_lock(&t->n->lock);
    if (q->kept && net_ring_roomy(&q->out.ring)) {
        const struct tn_iov *v = q->kept;
        q->kept = NULL;
        sent = q->sent;
        arg = q->arg;
        send_locked(t->n, i, v, q->nkept, (uint32_t)net_iov_len(v, q->nkept), 0);
    }
    pthread_mutex_unlock(&t->n->lock);
    if (sent)
        sent(arg);
}

static void tell_link(const struct taker *t)
{
    struct tn_net *n = t->n;
    pthread_mutex_lock(&n->lock);
    uint32_t up = !n->down, tell = n->front.gen == t->gen && n->front.link != up;
    n->front.link = tell ? up : n->front.link;
    pthread_mutex_unlock(&n->lock);
    if (tell && t->ops->link)
        t->ops->link(t->s, up);
}

void net_front_run(void *p)
{
    struct net_front *f = p;
    struct tn_net *n = f->n;
    pthread_mutex_lock(&n->lock);
    struct taker t = {n, f->ops, f->s, f->gen ? f->dev->domain : NULL, f->gen};
    pthread_mutex_unlock(&n->lock);
    if (!t.gen)
        return;
    net_ref(n);
    domain_lock(t.dom);
    tell_link(&t);
    for (uint32_t i = 0; i < n->nq; i++) {
        finish_kept(&t, i);
        receive_batch(&t, i);
    }
    domain_unlock(t.dom);
    net_unref(n);
}
