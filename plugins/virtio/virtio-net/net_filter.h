/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packets the driver wants to see (VIRTIO 1.3, 5.1.6.5.1 to 5.1.6.5.3). */
#ifndef TN_NET_FILTER_H
#define TN_NET_FILTER_H
#include "net_spec.h"
#include <stdbool.h>
#include <stdint.h>

/* Addresses that the table holds; for more it lets through all of their kind. */
enum { NET_MAC_TABLE = 64 };
/* What net_filter_pass() looks at: addresses, type, tag. */
enum { NET_FILTER_BYTES = 18 };

struct net_filter {
    uint8_t mac[ETH_ALEN];
    uint8_t mode[NET_RX_MODES]; /* by NET_RX_*, 0 or 1 */
    uint8_t uni_overflow, multi_overflow;
    uint32_t nuni, nmulti; /* unicast addresses come first in table */
    uint8_t table[NET_MAC_TABLE * ETH_ALEN];
    uint8_t vlan[VLAN_IDS / 8]; /* a set bit: packets with this tag pass */
};

/* As after a reset: promiscuous, for drivers that know no filter; empty tables. mac is kept. */
void net_filter_reset(struct net_filter *f);
/* All tags pass (1: CTRL_VLAN was not negotiated), or none. */
void net_filter_vlans(struct net_filter *f, bool all);
/* 5.1.6.5.2: both tables as the driver wrote them, len bytes. False: malformed, nothing changed. */
bool net_filter_set_table(struct net_filter *f, const uint8_t *data, uint64_t len);
/* frame: the first bytes of a packet, NET_FILTER_BYTES of which can be read. */
bool net_filter_pass(const struct net_filter *f, const uint8_t *frame);
/* False: loaded state that cannot be. */
bool net_filter_valid(const struct net_filter *f);

#endif
