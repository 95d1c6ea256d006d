/* SPDX-License-Identifier: BSD-2-Clause */
/* Stand-ins for back ends, and what a test can make them do. */
#ifndef TENON_CHECK_STAND_IN_H
#define TENON_CHECK_STAND_IN_H
#include "host.h"

/* The n-th stand-in for a property of type TN_P_*, the newest first; NULL. */
void *stand_in_of(struct host *h, uint32_t type, uint32_t n);

/* TN_P_CHARDEV: struct tn_chr; host_chardev.c */
void *stand_in_chr(struct host *h);
void chr_type(struct tn_chr *c, const uint8_t *p,
              uint32_t n);                     /* input, as much as there is room for */
void chr_event(struct tn_chr *c, uint32_t ev); /* TN_CHR_* */

/* TN_P_DRIVE: struct tn_blk, 1 MiB; host_block.c */
void *stand_in_blk(struct host *h);
void blk_fail_every(struct tn_blk *b, uint32_t n); /* -EIO for each n-th request; 0 = none */

/* TN_P_NETDEV: struct tn_net, 4 queues; host_net.c */
void *stand_in_net(struct host *h);
int64_t net_packet(struct tn_net *n, uint32_t q, const uint8_t *frame,
                   uint32_t len); /* from outside; what receive() said */
void net_link(struct tn_net *n, uint32_t up);

/* TN_P_LINK to TN_RNG_1; stand_rng.c */
extern const struct tn_class stand_in_rng;

#endif
