/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon, and a reader, that do anything in any order: each byte of the input is one step. */
#include <stdlib.h>
#include <string.h>

#include "egd.h"

static void check(const struct egd *s)
{
    if (s->have + s->owed > EGD_MAX || s->sent > s->to_send || s->to_send > EGD_COMMAND_LEN)
        abort();
}

static void step(struct egd *s, uint8_t what, const uint8_t *p, uint32_t n)
{
    uint8_t buf[EGD_MAX];
    uint32_t len;
    switch (what & 7) {
    case 0:
        egd_opened(s);
        break;
    case 1:
        egd_closed(s);
        break;
    case 2:
        egd_command(s, &len);
        egd_sent(s, len < n ? len : n);
        break;
    case 3:
    case 4:
        egd_receive(s, p, n);
        break;
    default:
        len = egd_take(s, buf, (what >> 3) * 9u + 1);
        if (len > EGD_MAX)
            abort();
    }
    check(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct egd s = {0};
    for (size_t i = 0; i < size; i++) {
        size_t left = size - i - 1;
        step(&s, data[i], data + i + 1, (uint32_t)(left < 300 ? left : 300));
    }
    return 0;
}
