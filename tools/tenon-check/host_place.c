/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest reaches, and a guest that tries all of it. */
#include "host_misc.h"
#include "host_pci.h"
#include "stand_in.h"
#include "util/bytes.h"
#include <tenon/chardev.h>

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
    struct dev *d;
    if (region_place(h, &n, out))
        return 1;
    TAILQ_FOREACH(d, &h->devs, link)
    if (pci_place(d, &n, out))
        return 1;
    return 0;
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

/* Config space but for the BARs and the command register, which firmware has set. */
static void touch_config(struct host *h, struct rng *r)
{
    struct dev *d;
    uint32_t size = 1u << rng_below(r, 3);
    TAILQ_FOREACH(d, &h->devs, link)
    {
        uint32_t off = rng_below(r, rng_below(r, 4) ? 256 : PCI_CFG) & ~(size - 1);
        if (!d->pci || d->stage != ST_RUNNING)
            continue;
        pci_cfg_read(d, off, size);
        if (off >= 0x40)
            pci_cfg_write(d, off, (uint32_t)rng_value(r), size);
    }
}

/* RAM that the device may read: hostile descriptors and the like. */
static void scribble(struct host *h, struct rng *r)
{
    uint64_t at = rng_below(r, 4) ? rng_below(r, 0x10000) & ~7u : rng_below(r, RAM_LOW - 8) & ~7u;
    uint64_t v = rng_below(r, 2) ? rng_value(r) : rng_below(r, 0x10000);
    memcpy(host_ram(h, at, 8), &v, 8);
}

static void outside(struct host *h, struct rng *r)
{
    struct tn_chr *c = stand_in_of(h, TN_P_CHARDEV, 0);
    uint8_t text[16];
    struct tn_input_event ev[2] = {{sizeof ev[0], (uint32_t)rng_below(r, 4),
                                    (uint32_t)rng_below(r, 0x300), (int32_t)rng_value(r)},
                                   {sizeof ev[1], 0, 0, 0}};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)rng_next(r);
    if (c && rng_below(r, 4))
        chr_type(c, text, 1 + rng_below(r, sizeof text));
    else if (c)
        chr_event(c, 1 + rng_below(r, TN_CHR_RESIZED));
    host_input(h, ev, 2);
}

void guest_step(struct host *h, struct rng *r)
{
    uint32_t n = places(h), what = rng_below(r, 16);
    if (what < 11 && n)
        touch(h, r, n);
    else if (what == 11)
        touch_config(h, r);
    else if (what == 12)
        scribble(h, r);
    else if (what == 13)
        outside(h, r);
    else
        host_run(h, rng_below(r, 4) ? rng_below(r, 100000) : rng_below(r, 100000000));
}
