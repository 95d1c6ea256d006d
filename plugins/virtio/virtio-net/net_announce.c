/* SPDX-License-Identifier: BSD-2-Clause */
/* After the machine has moved to another host, switches must learn where its address is now: the
 * device says so itself by RARP, and asks a driver that can do better (VIRTIO 1.3, 5.1.6.5.4). */
#include "util/bytes.h"
#include "virtio_net.h"
#include <errno.h>

enum { ROUNDS = 5, FIRST_MS = 50, STEP_MS = 100 };

static const uint64_t ms = 1000000;

/* RFC 903: who has my address? Padded to the shortest frame. */
static void make_rarp(struct virtio_net *n)
{
    enum { HTYPE = 14, PTYPE = 16, LENGTHS = 18, OP = 20, SHA = 22, THA = 32, REQUEST_REVERSE = 3 };
    uint8_t *p = n->rarp;
    memset(p, 0, NET_RARP_LEN);
    memset(p, 0xff, ETH_ALEN);
    memcpy(p + ETH_ALEN, n->filter.mac, ETH_ALEN);
    put_be16(p + ETH_TYPE, ETH_P_RARP);
    put_be16(p + HTYPE, 1);
    put_be16(p + PTYPE, ETH_P_IPV4);
    put_be16(p + LENGTHS, ETH_ALEN << 8 | 4);
    put_be16(p + OP, REQUEST_REVERSE);
    memcpy(p + SHA, n->filter.mac, ETH_ALEN);
    memcpy(p + THA, n->filter.mac, ETH_ALEN);
}

void net_announce_ask(struct virtio_net *n)
{
    if (!net_has(n, NET_F_GUEST_ANNOUNCE) || n->status & NET_S_ANNOUNCE)
        return;
    n->status |= NET_S_ANNOUNCE;
    n->v.port->config_changed(n->v.p);
}

static void again(struct virtio_net *n)
{
    uint64_t wait = FIRST_MS + (uint64_t)(ROUNDS - n->rounds) * STEP_MS;
    n->v.loop->arm(n->announce, n->v.loop->now(n->v.d, TN_CLK_VM) + wait * ms);
}

static void on_timer(void *s)
{
    struct virtio_net *n = s;
    if (!n->rarp_out)
        make_rarp(n);
    net_tx_rarp(n);
    net_announce_ask(n);
    if (--n->rounds)
        again(n);
}

int net_announce_init(struct virtio_net *n, struct tn_err *e)
{
    n->announce = n->v.loop->timer(n->v.d, NULL, 0, TN_CLK_VM, on_timer, n);
    return n->announce ? 0 : tn_fail(n->v.d, e, ENOMEM, "no memory for a timer");
}

void net_announce_start(struct virtio_net *n)
{
    n->rounds = ROUNDS;
    again(n);
}

void net_announce_stop(struct virtio_net *n)
{
    n->rounds = 0;
    n->v.loop->disarm(n->announce);
}

void net_announce_ack(struct virtio_net *n)
{
    n->status &= (uint16_t)~NET_S_ANNOUNCE;
}
