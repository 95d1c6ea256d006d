/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet frames on a byte stream: each behind its length, 32 bits, big-endian. The peer may send
 * anything. Not for concurrent use. */
#ifndef TN_NET_FRAME_H
#define TN_NET_FRAME_H
#include <stdint.h>

enum {
    FRAME_MAX = 65536 + 4096, /* bytes; a longer one is a broken peer's */
    FRAME_LEN = 4,
    FRAME_BUFFER = 4 * FRAME_MAX
};

struct frame_reader {
    uint8_t *buf; /* FRAME_BUFFER bytes, the owner's */
    uint32_t at, end;
};

/* Everything that was read is forgotten. */
void frame_reset(struct frame_reader *r);
/* Where the next bytes of the stream go, and how many fit: at least one once frame_next() said 0.
 */
uint32_t frame_room(struct frame_reader *r, uint8_t **to);
void frame_filled(struct frame_reader *r, uint32_t n);
/* 1: the next frame is at *p, *len bytes, valid until frame_pop() and after it until frame_room();
 * 0: it is not complete; -EPROTO: its length is more than FRAME_MAX, nothing can follow. A length
 * of 0 is a frame of nothing. */
int frame_next(const struct frame_reader *r, const uint8_t **p, uint32_t *len);
void frame_pop(struct frame_reader *r); /* the one that frame_next() gave */

#endif
