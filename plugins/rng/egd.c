/* SPDX-License-Identifier: BSD-2-Clause */
#include "egd.h"

#include <string.h>

void egd_opened(struct egd *s)
{
    egd_closed(s);
    s->open = 1;
}

void egd_closed(struct egd *s)
{
    s->open = 0;
    s->owed = s->sent = s->to_send = 0;
}

/* One command at a time: the last has left and been answered. */
static void ask(struct egd *s, uint32_t n)
{
    if (!s->open || s->owed)
        return;
    s->command[0] = EGD_READ_BLOCKING;
    s->command[1] = (uint8_t)n;
    s->sent = 0;
    s->to_send = EGD_COMMAND_LEN;
    s->owed = n;
}

uint32_t egd_take(struct egd *s, uint8_t *buf, uint32_t len)
{
    uint32_t want = len < EGD_MAX ? len : EGD_MAX;
    if (s->have < want && (s->owed || !s->have)) {
        ask(s, want - s->have);
        return 0;
    }
    uint32_t n = want < s->have ? want : s->have;
    memcpy(buf, s->pool, n);
    s->have -= n;
    memmove(s->pool, s->pool + n, s->have);
    return n;
}

const uint8_t *egd_command(const struct egd *s, uint32_t *n)
{
    *n = s->to_send - s->sent;
    return s->command + s->sent;
}

void egd_sent(struct egd *s, uint32_t n)
{
    s->sent += n;
}

uint32_t egd_room(const struct egd *s)
{
    return s->owed;
}

void egd_receive(struct egd *s, const uint8_t *p, uint32_t n)
{
    n = n < s->owed ? n : s->owed;
    memcpy(s->pool + s->have, p, n);
    s->have += n;
    s->owed -= n;
}
