/* SPDX-License-Identifier: BSD-2-Clause */
/* What the groups that drive devices have in common. */
#include "drive.h"
#include "host_pci.h"
#include <errno.h>
#include <string.h>

const char *needs_pci(const struct check *c)
{
    const char *bus = c->cls->bus;
    return bus && (strcmp(bus, TN_PCI_BUS) == 0 || strcmp(bus, TN_PCIE_BUS) == 0)
               ? NULL
               : "it is no PCI function";
}

const char *needs_device(const struct check *c)
{
    return c->cls->kind == TN_K_DEVICE ? NULL : "it is no device";
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
    uint32_t size = 1u << rng_below(r, 4);
    if (!host_place(h, rng_below(r, n), &p))
        return;
    uint64_t off =
        rng_next(r) % (p.size > 256 && rng_below(r, 2) ? 256 : p.size) & ~(uint64_t)(size - 1);
    if (pci_msix_range(p.d, p.bar, off, size))
        return; /* masks are the test's own */
    if (rng_below(r, 2))
        place_write(&p, off, rng_value(r), size);
    else
        place_read(&p, off, size);
}

void drive_regs(struct host *h, struct rng *r, uint32_t n)
{
    while (n--) {
        uint32_t count = places(h);
        if (count && rng_below(r, 8))
            touch(h, r, count);
        else
            host_run(h, rng_below(r, 1000000));
    }
}

void drive_all(struct host *h, struct rng *r, uint32_t n)
{
    while (n--)
        guest_step(h, r);
}

static uint64_t sum(const uint8_t *p, uint64_t len, uint64_t v)
{
    for (uint64_t i = 0; i < len; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        v = (v ^ w) * 0x9e3779b97f4a7c15u;
        v ^= v >> 29;
    }
    return v;
}

uint64_t ram_sum(struct host *h)
{
    uint64_t v = sum(host_ram(h, 0, RAM_LOW), RAM_LOW, 1);
    return sum(host_ram(h, RAM_HIGH_AT, RAM_HIGH), RAM_HIGH, v);
}

int drive_save(struct dev *d, struct st_part *out)
{
    struct tn_err e = {0};
    if (!d->pub.cls->state)
        return -ENOENT;
    int r = dev_quiesce(d, TN_Q_SAVE);
    if (r == 0)
        r = dev_save(d, out, &e);
    dev_resume(d);
    return r;
}

void drive_reset(struct dev *d, uint32_t kind)
{
    dev_quiesce(d, TN_Q_RESET);
    dev_reset(d, kind);
    dev_resume(d);
}

uint32_t lines_up(const struct dev *d, const char **name)
{
    const struct res *r;
    uint32_t n = 0;
    TAILQ_FOREACH(r, &d->res, link)
    if (strcmp(r->kind, "line") == 0 && ((const struct tn_line *)(const void *)r)->level) {
        *name = "a line";
        n++;
    }
    if (d->pci && d->pci->intx) {
        *name = "INTx";
        n++;
    }
    return n;
}
