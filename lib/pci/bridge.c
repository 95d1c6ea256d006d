/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/bridge.h"
#include "pci/pcie.h"
#include "util/bytes.h"

#define CONTROL_WMASK                                                                        \
    (PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_ISA | PCI_BRIDGE_CTL_VGA | \
     PCI_BRIDGE_CTL_VGA_16BIT | PCI_BRIDGE_CTL_MASTER_ABORT | PCI_BRIDGE_CTL_BUS_RESET)
#define SEC_STATUS_W1C                                                               \
    (PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT | \
     PCI_STATUS_REC_MASTER_ABORT | PCI_SEC_STATUS_RCV_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)
#define WINDOW_MASK \
    0xfff0u /* base and limit registers of memory windows: bits 31:20 of the address */

static const struct bridge_window closed = {UINT64_MAX, 0};

/* ---- declaration ---------------------------------------------------------------------- */

static void add_io_window(struct pci_config *c, uint32_t flags)
{
    uint32_t type = flags & BRIDGE_IO32 ? PCI_IO_RANGE_TYPE_32 : PCI_IO_RANGE_TYPE_16;
    uint32_t upper = flags & BRIDGE_IO32 ? 0xffff : 0;

    if (flags & BRIDGE_NO_IO)
        return;
    pci_config_reg(c, PCI_IO_BASE, 1, 0xf0 | type, 0xf0, 0);
    pci_config_reg(c, PCI_IO_LIMIT, 1, type, 0xf0, 0);
    pci_config_reg(c, PCI_IO_BASE_UPPER16, 2, 0, upper, 0);
    pci_config_reg(c, PCI_IO_LIMIT_UPPER16, 2, 0, upper, 0);
    c->check[PCI_IO_BASE] = c->check[PCI_IO_LIMIT] = 0xff;
}

static void add_pref_window(struct pci_config *c, uint32_t flags)
{
    uint32_t type = flags & BRIDGE_PREF64 ? PCI_PREF_RANGE_TYPE_64 : PCI_PREF_RANGE_TYPE_32;
    uint32_t upper = flags & BRIDGE_PREF64 ? UINT32_MAX : 0;

    pci_config_reg(c, PCI_PREF_MEMORY_BASE, 2, WINDOW_MASK | type, WINDOW_MASK, 0);
    pci_config_reg(c, PCI_PREF_MEMORY_LIMIT, 2, type, WINDOW_MASK, 0);
    pci_config_reg(c, PCI_PREF_BASE_UPPER32, 4, 0, upper, 0);
    pci_config_reg(c, PCI_PREF_LIMIT_UPPER32, 4, 0, upper, 0);
    c->check[PCI_PREF_MEMORY_BASE] = c->check[PCI_PREF_MEMORY_LIMIT] = 0xff;
}

/* Closed windows start at the top and end at 0: decoding may be on before they are programmed. */
void bridge_init(struct bridge *b, struct pci_config *c, uint32_t flags)
{
    pci_config_reg(c, PCI_PRIMARY_BUS, 4, 0, UINT32_MAX, 0); /* and the secondary latency timer */
    pci_config_reg(c, PCI_SEC_STATUS, 2, 0, 0, SEC_STATUS_W1C);
    pci_config_reg(c, PCI_MEMORY_BASE, 2, WINDOW_MASK, WINDOW_MASK, 0);
    pci_config_reg(c, PCI_MEMORY_LIMIT, 2, 0, WINDOW_MASK, 0);
    add_io_window(c, flags);
    add_pref_window(c, flags);
    pci_config_reg(c, PCI_BRIDGE_CONTROL, 2, 0, CONTROL_WMASK, 0);
    *b = (struct bridge){.c = c};
    bridge_written(b, NULL);
}

/* ---- decoding ------------------------------------------------------------------------- */

static uint16_t reg16(const struct bridge *b, uint32_t off)
{
    return get_le16(b->c->bytes + off);
}

static bool decodes(const struct bridge *b, uint16_t space)
{
    return !b->c->absent && !pci_config_power(b->c) && (reg16(b, PCI_COMMAND) & space);
}

/* 4 KiB granules; address bits 31:16 are zero where only 16 are decoded (7.5.1.3.6). */
static struct bridge_window io_window(const struct bridge *b)
{
    const uint8_t *r = b->c->bytes;
    struct bridge_window w = {(r[PCI_IO_BASE] & 0xf0u) << 8,
                              (r[PCI_IO_LIMIT] & 0xf0u) << 8 | 0xfff};

    if (!decodes(b, PCI_COMMAND_IO) || (!b->c->wmask[PCI_IO_BASE] && !b->c->wmask[PCI_IO_LIMIT]))
        return closed;
    if ((r[PCI_IO_BASE] & PCI_IO_RANGE_TYPE_MASK) == PCI_IO_RANGE_TYPE_32) {
        w.base |= (uint64_t)reg16(b, PCI_IO_BASE_UPPER16) << 16;
        w.limit |= (uint64_t)reg16(b, PCI_IO_LIMIT_UPPER16) << 16;
    }
    return w.base <= w.limit ? w : closed;
}

/* 1 MiB granules (7.5.1.3.8). */
static struct bridge_window mem_window(const struct bridge *b, uint32_t base, uint32_t limit)
{
    return (struct bridge_window){(uint64_t)(reg16(b, base) & WINDOW_MASK) << 16,
                                  (uint64_t)(reg16(b, limit) & WINDOW_MASK) << 16 | 0xfffff};
}

static struct bridge_window pref_window(const struct bridge *b)
{
    struct bridge_window w = mem_window(b, PCI_PREF_MEMORY_BASE, PCI_PREF_MEMORY_LIMIT);
    const uint8_t *r = b->c->bytes;

    if ((r[PCI_PREF_MEMORY_BASE] & PCI_PREF_RANGE_TYPE_MASK) == PCI_PREF_RANGE_TYPE_64) {
        w.base |= (uint64_t)get_le32(r + PCI_PREF_BASE_UPPER32) << 32;
        w.limit |= (uint64_t)get_le32(r + PCI_PREF_LIMIT_UPPER32) << 32;
    }
    return w;
}

static struct bridge_window mem_open(const struct bridge *b, struct bridge_window w)
{
    return decodes(b, PCI_COMMAND_MEMORY) && w.base <= w.limit ? w : closed;
}

static struct bridge_decode decode(const struct bridge *b)
{
    const uint8_t *r = b->c->bytes;
    uint16_t control = reg16(b, PCI_BRIDGE_CONTROL);

    return (struct bridge_decode){
        .primary = r[PCI_PRIMARY_BUS],
        .secondary = r[PCI_SECONDARY_BUS],
        .subordinate = r[PCI_SUBORDINATE_BUS],
        .vga = control & PCI_BRIDGE_CTL_VGA,
        .vga16 = control & PCI_BRIDGE_CTL_VGA_16BIT,
        .isa = control & PCI_BRIDGE_CTL_ISA,
        .ari = pcie_ari_enabled(b->c),
        .reset = control & PCI_BRIDGE_CTL_BUS_RESET,
        .io = io_window(b),
        .mem = mem_open(b, mem_window(b, PCI_MEMORY_BASE, PCI_MEMORY_LIMIT)),
        .pref = mem_open(b, pref_window(b)),
    };
}

/* ---- what changed --------------------------------------------------------------------- */

static bool moved(const struct bridge_window *a, const struct bridge_window *b)
{
    return a->base != b->base || a->limit != b->limit;
}

static uint32_t window_changes(const struct bridge_decode *a, const struct bridge_decode *b)
{
    uint32_t vga = a->vga != b->vga ? BRIDGE_IO | BRIDGE_MEM : 0;
    uint32_t legacy = a->vga16 != b->vga16 || a->isa != b->isa ? BRIDGE_IO : 0;

    return vga | legacy | (moved(&a->io, &b->io) ? BRIDGE_IO : 0) |
           (moved(&a->mem, &b->mem) ? BRIDGE_MEM : 0) |
           (moved(&a->pref, &b->pref) ? BRIDGE_PREF : 0);
}

static uint32_t changes(const struct bridge_decode *a, const struct bridge_decode *b)
{
    uint32_t v = window_changes(a, b);

    if (a->primary != b->primary || a->secondary != b->secondary ||
        a->subordinate != b->subordinate)
        v |= BRIDGE_NUMBERS;
    if (a->ari != b->ari)
        v |= BRIDGE_ARI;
    if (a->reset != b->reset)
        v |= b->reset ? BRIDGE_RESET : BRIDGE_UNRESET;
    return v;
}

/* Command, power state and ARI count too: any write may matter, and comparing is cheap. */
uint32_t bridge_written(struct bridge *b, const struct pci_written *w)
{
    struct bridge_decode old = b->d;

    if (w && w->old == w->now && !w->changes)
        return 0;
    b->d = decode(b);
    return changes(&old, &b->d);
}

/* ---- forwarding ----------------------------------------------------------------------- */

bool bridge_routes(const struct bridge *b, uint32_t bus, bool *type0)
{
    *type0 = bus == b->d.secondary;
    return b->d.secondary && !b->d.reset && bus >= b->d.secondary && bus <= b->d.subordinate;
}

static bool inside(const struct bridge_window *w, uint64_t addr)
{
    return addr >= w->base && addr <= w->limit;
}

/* 3B0-3BB and 3C0-3DF, in all 64 aliases unless 16 bits are decoded (7.5.1.3.13). */
static bool is_vga_port(const struct bridge *b, uint32_t addr)
{
    uint32_t port = b->d.vga16 ? addr : addr & 0x3ff;

    return addr <= 0xffff && ((port >= 0x3b0 && port <= 0x3bb) || (port >= 0x3c0 && port <= 0x3df));
}

bool bridge_forwards_io(const struct bridge *b, uint32_t addr)
{
    if (b->d.vga && decodes(b, PCI_COMMAND_IO) && is_vga_port(b, addr))
        return true;
    /* ISA Enable blocks the top 768 bytes of each KiB in the first 64 KiB */
    if (b->d.isa && addr <= 0xffff && (addr & 0x300))
        return false;
    return inside(&b->d.io, addr);
}

bool bridge_forwards_mem(const struct bridge *b, uint64_t addr)
{
    if (b->d.vga && decodes(b, PCI_COMMAND_MEMORY) && addr >= 0xa0000 && addr <= 0xbffff)
        return true;
    return inside(&b->d.mem, addr) || inside(&b->d.pref, addr);
}

bool bridge_forwards_up(const struct bridge *b, uint64_t addr)
{
    return pci_config_master(b->c) && !bridge_forwards_mem(b, addr);
}
