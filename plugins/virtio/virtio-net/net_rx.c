/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive (VIRTIO 1.3, 5.1.6.3 and 5.1.6.4): packets from the back end into the driver's buffers.
 */
#include "util/bytes.h"
#include "virtio_net.h"
#include <errno.h>

/* One packet on its way in. */
struct packet {
    uint8_t *hdr;           /* NET_HDR_V1_LEN bytes */
    const struct tn_iov *v; /* the frame, skip bytes into these pieces */
    uint32_t n;
    uint64_t skip, len;
    struct net_hash hash;
    bool finish; /* its checksum is to be completed in the driver's buffer */
};

/* ---- the stock of buffers ---- */

static bool usable(struct net_pair *to, const struct vq_elem *el)
{
    /* 5.1.6.3.1: with MRG_RXBUF each buffer holds at least the header; without, it must start one.
     */
    return el->in_len >= to->n->hdr_len && el->nin <= NET_PIECES - 2;
}

/* Takes buffers until there are need bytes, the driver's header included: as many as there are, or
 * one without MRG_RXBUF. False: there is none. */
static bool stock_fill(struct net_pair *to, uint64_t need)
{
    const bool one = !to->n->mergeable;
    to->choked = 0;
    while (to->room < need && to->nstock < (one ? 1u : to->n->rx_size)) {
        struct vq_elem *el = vq_pop(&to->rx->ring);
        if (!el)
            break;
        if (!usable(to, el)) {
            vq_drop(&to->rx->ring, el);
            vq_break(&to->rx->ring, "a receive buffer cannot hold a packet's header");
            break;
        }
        if (to->pieces + el->nin > NET_PIECES - 2) {
            vq_unpop(&to->rx->ring, el);
            to->choked = 1;
            break;
        }
        to->stock[to->nstock++] = el;
        to->room += el->in_len;
        to->pieces += el->nin;
    }
    return to->nstock > 0;
}

/* Gives back what no packet used, newest first. */
static void stock_return(struct net_pair *to)
{
    while (to->nstock)
        vq_unpop(&to->rx->ring, to->stock[--to->nstock]);
    to->room = to->pieces = 0;
}

/* The stock's pieces behind the driver's header, from in[1] on; returns their bytes. */
static uint64_t stock_lay_out(struct net_pair *to)
{
    uint64_t skip = to->n->hdr_len, room = 0;
    uint32_t k = 1;
    for (uint32_t i = 0; i < to->nstock; i++) {
        const struct tn_iov *v = vq_in(to->stock[i]);
        for (uint32_t j = 0; j < to->stock[i]->nin; j++) {
            uint64_t cut = v[j].len < skip ? v[j].len : skip;
            skip -= cut;
            if (v[j].len == cut)
                continue;
            to->in[k++] = (struct tn_iov){(uint8_t *)v[j].base + cut, v[j].len - cut};
            room += v[j].len - cut;
        }
    }
    to->nin = k;
    return room;
}

/* Buffers that the header and len bytes take. */
static uint32_t stock_count(const struct net_pair *to, uint64_t len)
{
    uint64_t covered = 0, whole = to->n->hdr_len + len;
    uint32_t used = 0;
    while (covered < whole)
        covered += to->stock[used++]->in_len;
    return used;
}

/* The packet is in the stock's buffers: puts its header there and pushes them. */
static void stock_use(struct net_pair *to, const struct packet *pk)
{
    struct virtio_net *n = to->n;
    uint64_t left = n->hdr_len + pk->len;
    uint32_t used = stock_count(to, pk->len);
    uint8_t hdr[NET_HDR_HASH_LEN];
    if (pk->finish)
        net_csum_finish(to->in + 1, to->nin - 1, pk->len, get_le16(pk->hdr + NET_HDR_CSUM_START),
                        get_le16(pk->hdr + NET_HDR_CSUM_OFFSET));
    if (pk->finish)
        memset(pk->hdr + NET_HDR_CSUM_START, 0, 4);
    net_hdr_give(hdr, n->hdr_len, pk->hdr, (uint16_t)used, pk->hash);
    vq_write(vq_in(to->stock[0]), to->stock[0]->nin, 0, hdr, n->hdr_len);
    for (uint32_t i = 0; i < used; i++) {
        struct vq_elem *el = to->stock[i];
        uint64_t in = el->in_len < left ? el->in_len : left;
        to->room -= el->in_len;
        to->pieces -= el->nin;
        left -= in;
        vq_push(&to->rx->ring, el, (uint32_t)in);
    }
    to->nstock -= used;
    memmove(to->stock, to->stock + used, to->nstock * sizeof *to->stock);
    to->coal[NET_COAL_RX].count++;
    to->dirty = 1;
}

/* ---- what the driver wants to see ---- */

/* 5.1.4.1: no packet above mtu that is not segmented, once MTU is negotiated. */
static bool fits_mtu(const struct virtio_net *n, const struct packet *pk, const uint8_t *frame)
{
    if (!net_has(n, NET_F_MTU) || pk->hdr[NET_HDR_GSO_TYPE] & ~NET_GSO_ECN)
        return true;
    uint16_t type = get_be16(frame + ETH_TYPE);
    bool tagged = type == ETH_P_8021Q || type == ETH_P_8021AD;
    return pk->len <= (uint64_t)n->host_mtu + ETH_HLEN + (tagged ? ETH_VLAN_LEN : 0);
}

static bool admit(struct virtio_net *n, struct packet *pk)
{
    uint8_t frame[NET_HASH_BYTES];
    uint32_t look = n->rss.types ? NET_HASH_BYTES : 64;
    bool runt = pk->len < ETH_HLEN; /* 5.1.6.5.1.1: a promiscuous driver gets all */
    if (!pk->len || pk->len > NET_FRAME_MAX || !(n->status & NET_S_LINK_UP) ||
        (runt && !n->filter.mode[NET_RX_PROMISC]))
        return false;
    memset(frame, 0, NET_FILTER_BYTES); /* a short frame has no tag */
    uint32_t got =
        (uint32_t)vq_read(pk->v, pk->n, pk->skip, frame, pk->len < look ? pk->len : look);
    enum net_verdict verdict = net_hdr_rx(pk->hdr, n->offloads);
    if (verdict == NET_DROP || !net_filter_pass(&n->filter, frame) || !fits_mtu(n, pk, frame))
        return false;
    pk->finish = verdict == NET_FINISH;
    if (pk->hdr[NET_HDR_FLAGS] & NET_HDR_F_NEEDS_CSUM && net_is_dhcp_reply(frame, got)) {
        pk->finish = true;
        pk->hdr[NET_HDR_FLAGS] = 0;
    }
    if (n->rss.types)
        pk->hash = net_hash_frame(&n->rss, frame, got);
    return true;
}

/* The queue for packets of a source, by its number alone. */
static struct net_pair *destination(struct net_pair *from)
{
    return &from->n->pair[from->index % from->n->curr_pairs];
}

/* 5.1.6.5.7.2 */
static struct net_pair *steered(struct net_pair *from, const struct packet *pk)
{
    struct virtio_net *n = from->n;
    return n->rss.steer ? &n->pair[net_rss_queue(&n->rss, pk->hash)] : destination(from);
}

/* ---- waiting for room ---- */

static void block(struct net_pair *from)
{
    from->blocked = 1;
    net_pair_watch(from, TN_FD_IN, false);
}

/* Nothing more goes into to's ring: waits for a kick. False: buffers have come meanwhile. */
static bool wait_for_room(struct net_pair *from, struct net_pair *to)
{
    if (vdev_running(to->rx) && vq_kicks(&to->rx->ring, true))
        return false;
    block(from);
    return true;
}

static void unblock(struct net_pair *from)
{
    if (!from->blocked)
        return;
    from->blocked = 0;
    if (from->watch)
        net_rx_readable(from);
    else if (from->n->peer)
        from->n->netdev->flush(from->n->peer, from->index);
}

void net_rx_unblock(struct virtio_net *n)
{
    for (uint32_t i = 0; i < n->npairs; i++)
        unblock(&n->pair[i]);
}

void net_rx_handle(struct vdev_queue *q)
{
    struct virtio_net *n = (struct virtio_net *)q->v;
    if (!vdev_running(q))
        return;
    vq_kicks(&q->ring, false);
    net_rx_unblock(n);
}

/* ---- by copy ---- */

enum copied { COPIED, NO_ROOM, NEVER };

/* Into to's buffers from memory of the host. NEVER: no number of buffers would hold it. */
static enum copied copy_in(struct net_pair *to, const struct packet *pk)
{
    struct virtio_net *n = to->n;
    if (!vdev_running(to->rx))
        return NO_ROOM;
    bool some = stock_fill(to, n->hdr_len + pk->len);
    if (some && stock_lay_out(to) >= pk->len) {
        net_copy(to->in + 1, pk->v, pk->skip, pk->len);
        stock_use(to, pk);
        return COPIED;
    }
    if (some && (!n->mergeable || to->choked || to->nstock >= to->rx->ring.size))
        return NEVER;
    return NO_ROOM;
}

/* As copy_in(), and again if buffers come while it says that it waits for them. */
static enum copied copy_or_wait(struct net_pair *from, struct net_pair *to, const struct packet *pk)
{
    enum copied r;
    do
        r = copy_in(to, pk);
    while (r == NO_ROOM && !wait_for_room(from, to));
    return r;
}

static void flush(struct net_pair *to)
{
    stock_return(to);
    to->dirty = 0;
    net_coal_flush(&to->coal[NET_COAL_RX]);
}

int64_t net_rx_receive(void *s, uint32_t q, const struct tn_iov *v, uint32_t nv)
{
    struct virtio_net *n = s;
    struct net_pair *from = &n->pair[q < n->npairs ? q : 0];
    uint8_t hdr[NET_HDR_V1_LEN] = {0};
    uint64_t total = 0;
    for (uint32_t i = 0; i < nv; i++)
        total += v[i].len;
    struct packet pk = {hdr, v, nv, n->back_hdr, total - n->back_hdr, {0, 0}, false};
    if (total < n->back_hdr || vq_read(v, nv, 0, hdr, n->back_hdr) < n->back_hdr)
        return -EINVAL;
    if (!vdev_running(destination(from)->rx)) {
        block(from);
        return 0;
    }
    if (!admit(n, &pk))
        return (int64_t)total;
    struct net_pair *to = steered(from, &pk);
    if (n->rss.steer)
        copy_in(to, &pk); /* one queue without room does not hold up the others */
    else if (copy_or_wait(from, to, &pk) == NO_ROOM)
        total = 0;
    stock_return(to);
    to->dirty |= to->rx->ring.broken != NULL; /* received() reports it */
    return (int64_t)total;
}

static void flush_dirty(struct virtio_net *n)
{
    for (uint32_t i = 0; i < n->npairs; i++)
        if (n->pair[i].dirty || n->pair[i].nstock)
            flush(&n->pair[i]);
}

void net_rx_received(void *s, uint32_t q)
{
    (void)q;
    flush_dirty(s);
}

/* ---- from a TAP's descriptor ---- */

/* 0: nothing there now; -errno: the descriptor is of no use any more. */
static int64_t read_error(struct net_pair *from)
{
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    int err = errno;
    from->n->v.d->core->warn(from->n->v.d, "the network back end cannot be read: error %d", err);
    net_pair_watch(from, TN_FD_IN, false);
    return -err;
}

static int64_t read_into(struct net_pair *from, uint8_t *hdr, struct tn_iov *v, uint32_t nv)
{
    const uint32_t back = from->n->back_hdr;
    v[0] = (struct tn_iov){hdr, back};
    if (!back)
        v++, nv--;
    ssize_t got = readv(from->fd, (const struct iovec *)(const void *)v, (int)nv);
    if (got < 0)
        return read_error(from);
    return got > (ssize_t)back ? got - (ssize_t)back : got ? 1 : 0; /* 1: too short for a frame */
}

/* The packet that is held, if any, goes first. False: it still waits. */
static bool give_held(struct net_pair *from, struct net_pair *to)
{
    const struct tn_iov v = {from->flat, from->held};
    struct packet pk = {from->held_hdr, &v, 1, 0, from->held, {0, 0}, false};
    if (!from->held)
        return true;
    uint8_t hdr[NET_HDR_V1_LEN];
    memcpy(hdr, from->held_hdr, sizeof hdr);
    pk.hdr = hdr;
    if (admit(from->n, &pk) && copy_or_wait(from, to, &pk) == NO_ROOM)
        return false;
    from->held = 0;
    return true;
}

/* How much stock is worth having: the largest packets of late. */
static void learn(struct net_pair *to, uint64_t len)
{
    uint64_t whole = len + to->n->hdr_len;
    to->want = whole > to->want ? whole : to->want - (to->want - whole) / 64;
}

/* What did not fit is behind the room's bytes in flat: the rest joins it there. */
static bool spilled(struct net_pair *from, struct net_pair *to, const uint8_t *hdr, uint64_t room,
                    uint64_t len)
{
    if (!to->n->mergeable)
        return true; /* the driver's buffer is too small: dropped */
    vq_read(to->in + 1, to->nin - 1, 0, from->flat, room);
    memcpy(from->held_hdr, hdr, NET_HDR_V1_LEN);
    from->held = len;
    return give_held(from, to);
}

/* One packet straight into the driver's buffers. False: no more now. */
static bool read_direct(struct net_pair *from, struct net_pair *to)
{
    uint8_t hdr[NET_HDR_V1_LEN] = {0};
    while (!stock_fill(to, to->want))
        if (wait_for_room(from, to))
            return false;
    uint64_t room = stock_lay_out(to);
    uint32_t nv = to->nin;
    if (room < NET_FRAME_MAX)
        to->in[nv++] = (struct tn_iov){from->flat + room, NET_FLAT - room};
    int64_t len = read_into(from, hdr, to->in, nv);
    if (len <= 0)
        return false;
    learn(to, (uint64_t)len);
    if ((uint64_t)len > room)
        return spilled(from, to, hdr, room, (uint64_t)len);
    struct packet pk = {hdr, to->in + 1, to->nin - 1, 0, (uint64_t)len, {0, 0}, false};
    if (admit(from->n, &pk))
        stock_use(to, &pk);
    return true;
}

/* One packet by way of flat: its hash says where it goes. */
static bool read_steered(struct net_pair *from)
{
    uint8_t hdr[NET_HDR_V1_LEN] = {0};
    struct tn_iov v[2] = {{hdr, 0}, {from->flat, NET_FLAT}};
    int64_t len = read_into(from, hdr, v, 2);
    if (len <= 0)
        return false;
    struct packet pk = {hdr, v + 1, 1, 0, (uint64_t)len, {0, 0}, false};
    if (admit(from->n, &pk))
        copy_in(steered(from, &pk), &pk);
    return true;
}

void net_rx_readable(struct net_pair *from)
{
    struct net_pair *to = destination(from);
    if (!vdev_running(to->rx)) {
        block(from);
        return;
    }
    net_pair_watch(from, TN_FD_IN, true);
    if (give_held(from, to))
        for (uint32_t i = 0; i < NET_RX_BATCH; i++)
            if (!(from->n->rss.steer ? read_steered(from) : read_direct(from, to)))
                break;
    flush(to);
    if (from->n->rss.steer)
        flush_dirty(from->n);
}
