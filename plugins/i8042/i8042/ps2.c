/* SPDX-License-Identifier: BSD-2-Clause */
#include "ps2.h"

uint32_t ps2_put(struct ps2_queue *q, const uint8_t *p, uint32_t n)
{
    if (n > ps2_room(q))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        q->data[(q->head + q->count++) % PS2_QUEUE_SIZE] = p[i];
    return 1;
}

void ps2_reply(struct ps2_queue *q, uint8_t b)
{
    if (q->reply_count < PS2_REPLY_SIZE)
        q->reply[(q->reply_head + q->reply_count++) % PS2_REPLY_SIZE] = b;
}

void ps2_flush_data(struct ps2_queue *q)
{
    q->head = q->count = 0;
}

void ps2_flush(struct ps2_queue *q)
{
    ps2_flush_data(q);
    q->reply_head = q->reply_count = 0;
}

uint32_t ps2_pending(const struct ps2_queue *q)
{
    return q->reply_count || q->count;
}

uint8_t ps2_take(struct ps2_queue *q)
{
    if (q->reply_count) {
        q->last = q->reply[q->reply_head];
        q->reply_head = (q->reply_head + 1) % PS2_REPLY_SIZE;
        q->reply_count--;
    } else if (q->count) {
        q->last = q->data[q->head];
        q->head = (q->head + 1) % PS2_QUEUE_SIZE;
        q->count--;
    } else {
        return 0;
    }
    return q->last;
}

void ps2_sanitize(struct ps2_queue *q, uint8_t limit)
{
    q->limit = limit;
    if (q->head >= PS2_QUEUE_SIZE || q->count > limit)
        ps2_flush_data(q);
    if (q->reply_head >= PS2_REPLY_SIZE || q->reply_count > PS2_REPLY_SIZE)
        q->reply_head = q->reply_count = 0;
}
