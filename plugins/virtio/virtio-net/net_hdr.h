/* SPDX-License-Identifier: BSD-2-Clause */
/* struct virtio_net_hdr (VIRTIO 1.3, 5.1.6): what the driver writes, made fit for a back end, and
 * the other way round; the checksum that it leaves undone. The back end's header has NET_HDR_V1_LEN
 * bytes whatever the driver's has: one of 10, 12 and 20 differs in what is behind csum_offset only.
 */
#ifndef TN_NET_HDR_H
#define TN_NET_HDR_H
#include "net_hash.h"
#include "net_spec.h"
#include <tenon/base.h>

/* Features as negotiated, less those whose prerequisites are missing (5.1.3.1): what may be relied
 * on whatever a driver accepted. The same holds for what is offered. */
uint64_t net_features_close(uint64_t f);

/* 5.1.6.2: out: NET_HDR_V1_LEN bytes from the driver's header (at least NET_HDR_LEGACY_LEN bytes).
 * False: the driver asks for what was not negotiated: the packet is not sent. */
bool net_hdr_tx(uint8_t *out, const uint8_t *driver, uint64_t features);

enum net_verdict {
    NET_DROP,
    NET_PASS,
    NET_FINISH /* pass, after net_csum_finish() */
};
/* 5.1.6.4.1: makes hdr what the driver may see. offloads: NET_F_GUEST_* that are on. */
enum net_verdict net_hdr_rx(uint8_t *hdr, uint64_t offloads);
/* The driver's header, driver_len bytes, from the back end's. */
void net_hdr_give(uint8_t *driver, uint32_t driver_len, const uint8_t *hdr, uint16_t num_buffers,
                  struct net_hash hash);

/* Computes the Internet checksum from start to the end of a frame of len bytes in n pieces, and
 * puts it at start + offset. False: that is not inside. */
bool net_csum_finish(const struct tn_iov *v, uint32_t n, uint64_t len, uint32_t start,
                     uint32_t offset);
/* Is the packet from a DHCP server? Clients that read raw sockets believe an unfinished checksum.
 */
bool net_is_dhcp_reply(const uint8_t *frame, uint32_t len);

/* Copies len bytes from the source's pieces, skip bytes into them, to the other's. Both are there.
 */
void net_copy(const struct tn_iov *to, const struct tn_iov *from, uint64_t skip, uint64_t len);

#endif
