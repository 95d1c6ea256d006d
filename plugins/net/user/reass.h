/* SPDX-License-Identifier: BSD-2-Clause */
/* Reassembly of IPv4 fragments (RFC 791 3.2) from a guest that may send anything, so that libslirp
 * sees whole datagrams only: its own reassembly (4.7) can be made to write to wild addresses. One
 * caller at a time. */
#ifndef TN_NET_USER_REASS_H
#define TN_NET_USER_REASS_H
#include <stdint.h>

enum {
    REASS_SLOTS = 8, /* datagrams under way; then the oldest gives way */
    REASS_DATA = 65536,
    REASS_HEAD = 14 + 60, /* Ethernet, and the longest IPv4 header */
    REASS_BLOCK = 8,      /* bytes: what offsets count */
    REASS_SECONDS = 30    /* how long the rest may take */
};

struct reass_slot {
    uint8_t *buf;      /* REASS_HEAD + REASS_DATA bytes; NULL until it is needed */
    uint32_t src, dst; /* these four are the datagram's name */
    uint16_t id;
    uint8_t proto, busy;
    uint64_t born_ns;
    uint32_t blocks, total;   /* that have come; bytes of data, 0 = the last has not come */
    uint32_t head_len;        /* bytes of headers, 0 = the first has not come */
    uint8_t head[REASS_HEAD]; /* of the first fragment */
    uint64_t map[REASS_DATA / REASS_BLOCK / 64];
};
struct reass {
    struct reass_slot slot[REASS_SLOTS];
};

enum reass_verdict {
    REASS_WHOLE, /* no fragment: it goes on as it is */
    REASS_DONE,  /* the datagram is whole: *out, *out_len, valid until the next call */
    REASS_KEPT   /* it waits for others, or was dropped */
};
/* An Ethernet frame; now in nanoseconds of any steady clock. */
enum reass_verdict reass_frame(struct reass *r, const uint8_t *frame, uint32_t len, uint64_t now,
                               const uint8_t **out, uint32_t *out_len);
void reass_free(struct reass *r);

#endif
