/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the TCO block, 4 bytes a step: accesses, time that goes by, expiry when it is due. */
#include "tco.h"
#include "util/bytes.h"
#include <stdlib.h>

struct world {
    struct tco t;
    uint64_t now, armed;
    uint32_t bites;
};

static uint64_t now(void *o)
{
    return ((struct world *)o)->now;
}

static void arm(void *o, uint64_t ns)
{
    ((struct world *)o)->armed = ns;
}

static int no_reboot(void *o)
{
    return ((struct world *)o)->now & 1;
}

static void bite(void *o)
{
    ((struct world *)o)->bites++;
}

static const struct tco_env env = {now, arm, no_reboot, bite};

static void require(int ok)
{
    if (!ok)
        abort();
}

static void pass(struct world *w, uint64_t ns)
{
    for (w->now += ns; w->armed && w->armed <= w->now;) {
        w->armed = 0;
        tco_expired(&w->t);
    }
}

static void step(struct world *w, const uint8_t *p)
{
    uint32_t off = p[1] % TCO_LEN, size = 1 + (p[0] >> 2 & ~off & 1);
    switch (p[0] & 3) {
    case 0:
        pass(w, (uint64_t)get_le16(p + 2) << (p[1] & 31));
        break;
    case 1:
        require(tco_read(&w->t, off, size) <= (size == 1 ? 0xff : 0xffff));
        break;
    default:
        tco_write(&w->t, off, size, get_le16(p + 2));
    }
    require(w->armed == w->t.expires);
    require(tco_read(&w->t, TCO_RLD, 2) <= TCO_TMR_MASK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.now = 1};
    tco_init(&w.t, &env, &w);
    tco_reset(&w.t);
    require(tco_is_reset(&w.t));
    for (; size >= 4; size -= 4, data += 4)
        step(&w, data);
    return 0;
}
