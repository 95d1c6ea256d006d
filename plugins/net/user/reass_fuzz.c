/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames with any IPv4 header: what goes on is never a fragment, and its lengths agree. The input
 * is a row of records: control byte, length, bytes of the frame behind a likely header. */
#include <stdlib.h>
#include <string.h>

#include "reass.h"
#include "util/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t likely[34] = {2,  0, 0, 0,    0, 1,  2,  0, 0, 0,  0, 2, 8,  0,  0x45, 0, 0,
                                   28, 0, 7, 0x20, 0, 64, 17, 0, 0, 10, 0, 2, 15, 10, 0,    2, 2};

static void check(const uint8_t *out, uint32_t len)
{
    uint32_t total = get_be16(out + 16), sum = 0, head = (out[14] & 15u) * 4;
    if (len < 34 || total + 14 != len || head < 20 || get_be16(out + 20))
        abort();
    for (uint32_t i = 0; i < head; i += 2)
        sum += get_be16(out + 14 + i);
    if ((sum & 0xffff) + (sum >> 16) != 0xffff && ((sum & 0xffff) + (sum >> 16)) % 0xffff)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reass *r = calloc(1, sizeof *r);
    static const uint32_t lengths[] = {8, 16, 1480, 65500, 65515, 100, 24, 1};
    uint64_t now = 0;
    uint8_t *frame = calloc(1, 70000);
    for (size_t i = 0; r && frame && i + 4 <= size; i += 4) {
        uint32_t len = 34 + lengths[data[i] & 7], out_len = 0;
        const uint8_t *out = NULL;
        memcpy(frame, likely, sizeof likely);
        put_be16(frame + 16, (uint16_t)(len - 14));
        frame[19] = data[i] >> 5;
        put_be16(frame + 20, get_be16(data + i + 1));
        if (data[i] & 8)
            frame[14 + data[i + 3] % 20] = data[i + 2];
        now += data[i] & 16 ? 7000000000u : 1;
        if (reass_frame(r, frame, len - (data[i + 3] & 1), now, &out, &out_len) == REASS_DONE)
            check(out, out_len);
    }
    if (r)
        reass_free(r);
    free(r);
    free(frame);
    return 0;
}
