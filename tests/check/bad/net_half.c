/* SPDX-License-Identifier: BSD-2-Clause */
/* It takes the first piece of a frame and calls that a frame.
 * breaks: backend/net-sends
 * says: send answers */
#include <tenon/net.h>
static const struct tn_net_backend backend;
#define NEEDS TN_LOOP_1, TN_NET_FEED_1
#define CLASS .kind = TN_K_NETDEV, .bus_ops = &backend
#include "backend.h"

static int64_t send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    (void)s, (void)q, (void)n;
    return (int64_t)v[0].len;
}

static void can_receive(void *s, uint32_t q)
{
    (void)s, (void)q;
}

static const struct tn_net_backend backend = {
    .struct_size = sizeof backend, .send = send, .can_receive = can_receive};
