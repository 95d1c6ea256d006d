/* SPDX-License-Identifier: BSD-2-Clause */
/* PS/2 keyboard and mouse: what the two devices have in common. No lock, no thread: the owner
 * serialises. */
#ifndef TN_PS2_H
#define TN_PS2_H
#include <stdint.h>

#include "ps2_regs.h"

#define PS2_QUEUE_SIZE 64
#define PS2_REPLY_SIZE 8

/* Bytes on the way to the controller. Replies to commands go first: a device answers before it
 * talks about itself. */
struct ps2_queue {
    uint8_t head, count, limit; /* of data; limit: how much of it the device uses */
    uint8_t reply_head, reply_count;
    uint8_t last; /* the byte sent last, for Resend */
    uint8_t data[PS2_QUEUE_SIZE];
    uint8_t reply[PS2_REPLY_SIZE];
};

/* Free bytes for data. */
static inline uint32_t ps2_room(const struct ps2_queue *q)
{
    return q->count < q->limit ? (uint32_t)q->limit - q->count : 0;
}

/* Queues n bytes or, without room for all, none. Returns 1 or 0. */
uint32_t ps2_put(struct ps2_queue *q, const uint8_t *p, uint32_t n);
/* Queues one byte of a reply. A guest that reads no replies loses the newest. */
void ps2_reply(struct ps2_queue *q, uint8_t b);
/* Forgets data and replies. */
void ps2_flush(struct ps2_queue *q);
/* Forgets data, keeps replies. */
void ps2_flush_data(struct ps2_queue *q);
/* 1 if a byte waits. */
uint32_t ps2_pending(const struct ps2_queue *q);
/* Takes the next byte; 0 if none waits. */
uint8_t ps2_take(struct ps2_queue *q);
/* Brings loaded indices into bounds. */
void ps2_sanitize(struct ps2_queue *q, uint8_t limit);

#endif
