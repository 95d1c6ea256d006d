/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer's stream in pieces of any size: each frame that comes out is where it was in the stream,
 * and after an impossible length nothing does. The first bytes choose the pieces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "util/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the stream says that the frame at *at is: -EPROTO, 0 or 1 as frame_next(). */
static int expect(const uint8_t *stream, size_t fed, size_t at, uint32_t *len)
{
    if (fed - at < FRAME_LEN)
        return 0;
    *len = get_be32(stream + at);
    if (*len > FRAME_MAX)
        return -EPROTO;
    return fed - at - FRAME_LEN >= *len;
}

/* Takes all frames that are whole; 0, or -EPROTO. */
static int take(struct frame_reader *r, const uint8_t *stream, size_t fed, size_t *at)
{
    for (;;) {
        const uint8_t *p;
        uint32_t len, want_len = 0;
        int got = frame_next(r, &p, &len), want = expect(stream, fed, *at, &want_len);
        if (got != want)
            abort();
        if (got != 1)
            return got;
        if (len != want_len || memcmp(p, stream + *at + FRAME_LEN, len) != 0)
            abort();
        frame_pop(r);
        *at += FRAME_LEN + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *buf = malloc(FRAME_BUFFER);
    struct frame_reader r = {.buf = buf};
    size_t fed = 0, at = 0;
    for (uint32_t turn = 0; buf && size > 4 && fed < size - 4; turn++) {
        uint8_t *to;
        uint32_t n = data[turn % 4] + 1u, room = frame_room(&r, &to);
        if (!room)
            abort();
        n = n < room ? n : room;
        n = n < size - 4 - fed ? n : (uint32_t)(size - 4 - fed);
        memcpy(to, data + 4 + fed, n);
        frame_filled(&r, n);
        fed += n;
        if (take(&r, data + 4, fed, &at) < 0)
            break;
    }
    free(buf);
    return 0;
}
