/* SPDX-License-Identifier: BSD-2-Clause */
/* After the machine has moved to another host, switches must learn where its address is now: the
 * host says so by RARP, and here a driver is asked that can do better (VIRTIO 1.3, 5.1.6.5.4). */
#include "virtio_net.h"

void net_announce_ask(struct virtio_net *n)
{
    if (!net_has(n, NET_F_GUEST_ANNOUNCE) || n->status & NET_S_ANNOUNCE)
        return;
    n->status |= NET_S_ANNOUNCE;
    n->v.port->config_changed(n->v.p);
}

void net_announce_ack(struct virtio_net *n)
{
    n->status &= (uint16_t)~NET_S_ANNOUNCE;
}
