/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash over a packet's addresses and ports (VIRTIO 1.3, 5.1.6.4.3), and the queue that it
 * chooses (5.1.6.5.7.2). */
#ifndef TN_NET_HASH_H
#define TN_NET_HASH_H
#include "net_spec.h"
#include <stdbool.h>
#include <stdint.h>

/* Bytes of a packet that are looked at; a header behind them is not found. */
enum { NET_HASH_BYTES = 256 };

/* What RSS_CONFIG or HASH_CONFIG set. */
struct net_rss {
    uint32_t types;                    /* NET_HASH_*, enabled */
    uint8_t steer;                     /* RSS_CONFIG: the table chooses the queue */
    uint16_t mask, unclassified;       /* mask: entries of the table - 1 */
    uint16_t table[NET_RSS_TABLE_MAX]; /* receive queues, 0 = receiveq1 */
    uint16_t max_tx;                   /* transmit queues that the driver uses */
    uint8_t key[NET_HASH_KEY_MAX];
};

struct net_hash {
    uint32_t value;
    uint16_t report; /* 0: none was calculated, or the hash type's number + 1 */
};

/* Toeplitz hash of n bytes; key: NET_HASH_KEY_MAX bytes. n <= NET_HASH_KEY_MAX - 4. */
uint32_t net_toeplitz(const uint8_t *key, const uint8_t *in, uint32_t n);
/* Hash of a packet: len bytes of it from the Ethernet header on. */
struct net_hash net_hash_frame(const struct net_rss *r, const uint8_t *frame, uint32_t len);
/* The receive queue for a packet with this hash. */
uint32_t net_rss_queue(const struct net_rss *r, struct net_hash h);

/* Reads struct virtio_net_rss_config (steer) or virtio_net_hash_config from len bytes. False: the
 * driver broke a rule, or used a queue that is not below pairs; nothing changed. */
bool net_rss_config(struct net_rss *r, bool steer, const uint8_t *data, uint64_t len,
                    uint32_t pairs);
/* False: loaded state that cannot be. */
bool net_rss_valid(const struct net_rss *r, uint32_t pairs);

#endif
