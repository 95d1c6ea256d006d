/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the I/O APIC with register accesses, pin changes and ends of interrupt, 6 bytes a step. */
#include "ioapic_chip.h"
#include "util/bytes.h"
#include <stdlib.h>

struct world {
    struct ioapic_chip chip;
    uint32_t routes; /* since the last commit */
};

static void require(int ok)
{
    if (!ok)
        abort();
}

static void check_message(uint64_t addr, uint32_t data)
{
    require((addr & ~0xfffffull) == IOAPIC_MSI_ADDR);
    require(
        !(data & ~(IOAPIC_RTE_VECTOR | IOAPIC_RTE_DELMOD | IOAPIC_MSI_LEVEL | IOAPIC_MSI_ASSERT)));
}

static void on_route(void *opaque, uint32_t pin, uint64_t addr, uint32_t data, uint32_t masked)
{
    struct world *w = opaque;
    require(pin < IOAPIC_PINS && masked <= 1);
    check_message(addr, data);
    w->routes++;
}

static void on_commit(void *opaque)
{
    struct world *w = opaque;
    require(w->routes > 0);
    w->routes = 0;
}

static void on_inject(void *opaque, uint64_t addr, uint32_t data)
{
    struct world *w = opaque;
    require(w->routes == 0); /* a message never leaves before its route */
    check_message(addr, data);
}

static void on_eoi_of(void *opaque, uint32_t pin)
{
    struct world *w = opaque;
    require(pin < IOAPIC_PINS && (w->chip.rte[pin] & IOAPIC_RTE_TRIGGER));
}

static void on_arm(void *opaque, uint64_t ns)
{
    (void)opaque;
    require(ns > 0);
}

static const struct ioapic_env env = {on_route, on_commit, on_inject, on_eoi_of, on_arm};

static void check_entries(const struct ioapic_chip *c)
{
    uint64_t known = IOAPIC_RTE_WRITABLE | IOAPIC_RTE_REMOTE_IRR;
    if (c->flags & IOAPIC_FLAG_EXT_DEST)
        known |= IOAPIC_RTE_EXT_DEST;
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++) {
        uint64_t rte = c->rte[pin];
        require(!(rte & ~known));
        require(!(rte & IOAPIC_RTE_REMOTE_IRR) || (rte & IOAPIC_RTE_TRIGGER));
    }
}

static void step(struct ioapic_chip *c, const uint8_t *p)
{
    uint32_t v = get_le32(p + 2);
    switch (p[0] & 7) {
    case 0:
        ioapic_chip_pin(c, p[1], v & 1);
        break;
    case 1:
        ioapic_chip_eoi(c, p[1]);
        break;
    case 2:
        ioapic_chip_resume(c);
        break;
    case 3:
        ioapic_chip_read(c, p[1], 1u << (p[2] & 3));
        break;
    case 4:
        ioapic_chip_write(c, p[1], 1u << (p[2] & 3), v);
        break;
    case 5:
        p[2] ? ioapic_chip_loaded(c) : ioapic_chip_reset(c);
        break;
    default:
        ioapic_chip_write(c, IOAPIC_REGSEL, 1, p[1] % (IOAPIC_REDIR + 2 * IOAPIC_PINS));
        ioapic_chip_write(c, IOAPIC_WIN, 4, v);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {0};
    uint32_t version = size & 1 ? 0x11 : IOAPIC_VERSION_EOIR;
    require(ioapic_chip_init(&w.chip, version, size >> 1 & 1, &env, &w) == 0);
    for (; size >= 6; size -= 6, data += 6) {
        step(&w.chip, data);
        check_entries(&w.chip);
        require(w.routes == 0);
    }
    return 0;
}
