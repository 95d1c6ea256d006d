/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame.h"

#include "util/bytes.h"
#include <errno.h>

void frame_reset(struct frame_reader *r)
{
    r->at = r->end = 0;
}

uint32_t frame_room(struct frame_reader *r, uint8_t **to)
{
    if (r->at) {
        memmove(r->buf, r->buf + r->at, r->end - r->at);
        r->end -= r->at;
        r->at = 0;
    }
    *to = r->buf + r->end;
    return FRAME_BUFFER - r->end;
}

void frame_filled(struct frame_reader *r, uint32_t n)
{
    r->end += n;
}

int frame_next(const struct frame_reader *r, const uint8_t **p, uint32_t *len)
{
    uint32_t have = r->end - r->at;
    if (have < FRAME_LEN)
        return 0;
    *len = get_be32(r->buf + r->at);
    *p = r->buf + r->at + FRAME_LEN;
    if (*len > FRAME_MAX)
        return -EPROTO;
    return have - FRAME_LEN >= *len;
}

void frame_pop(struct frame_reader *r)
{
    r->at += FRAME_LEN + get_be32(r->buf + r->at);
}
