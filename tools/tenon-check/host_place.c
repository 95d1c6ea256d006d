/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest reaches, and a guest that tries all of it. */
#include "parts.h"
#include "util/bytes.h"

static int region_place(struct host *h, uint32_t *n, struct place *out)
{
    struct tn_region *g;
    TAILQ_FOREACH(g, &h->parts->regions, link)
    if (g->on && (*n)-- == 0) {
        *out = (struct place){g->r.d, &g->ops, g->s, g->size, g->name, ~0u};
        return 1;
    }
    return 0;
}

int host_place(struct host *h, uint32_t n, struct place *out)
{
    return region_place(h, &n, out);
}

static uint32_t places(struct host *h)
{
    struct place p;
    uint32_t n = 0;
    while (host_place(h, n, &p))
        n++;
    return n;
}

static void touch(struct host *h, struct rng *r, uint32_t n)
{
    struct place p;
    if (!host_place(h, rng_below(r, n), &p))
        return;
    uint32_t size = 1u << rng_below(r, 4);
    /* half of all accesses go where registers tend to be */
    uint64_t off = rng_next(r) % (rng_below(r, 2) && p.size > 256 ? 256 : p.size);
    if (rng_below(r, 8))
        off &= ~(uint64_t)(size - 1);
    if (rng_below(r, 2))
        place_write(&p, off, rng_value(r), size);
    else
        place_read(&p, off, size);
}

void guest_step(struct host *h, struct rng *r)
{
    uint32_t n = places(h);
    if (n && rng_below(r, 8))
        touch(h, r, n);
    else
        host_run(h, rng_below(r, 4) ? rng_below(r, 100000) : rng_below(r, 2000000000));
}
