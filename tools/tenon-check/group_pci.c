/* SPDX-License-Identifier: BSD-2-Clause */
/* A function's configuration space as a guest finds it. Sections: PCI Local Bus 3.0 (LB), PCI
 * Express Base 5.0. */
#include "drive.h"
#include "host_pci.h"
#include "util/bytes.h"
#include <linux/pci_regs.h>

enum {
    COMMAND_ALL = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
    BARS = 6,
    CAPS_MAX = 48,
    EXT_CAPS_MAX = 960
};

static uint32_t rd(struct dev *d, uint32_t off, uint32_t size)
{
    return pci_cfg_read(d, off, size);
}

static void wr(struct dev *d, uint32_t off, uint32_t v, uint32_t size)
{
    pci_cfg_write(d, off, v, size);
}

static int is_bridge(struct dev *d)
{
    return (rd(d, PCI_HEADER_TYPE, 1) & 0x7f) == PCI_HEADER_TYPE_BRIDGE;
}

/* ---- the header: LB 6.1, 6.2.1 ---- */

static void header(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    const struct tn_pci_ops *o = c->cls->bus_ops;
    uint32_t vendor = rd(d, PCI_VENDOR_ID, 2), type = rd(d, PCI_HEADER_TYPE, 1) & 0x7f;
    uint32_t base = rd(d, PCI_CLASS_DEVICE + 1, 1), pin = rd(d, PCI_INTERRUPT_PIN, 1);
    CHECK(c, vendor != 0xffff && vendor, "Vendor ID is 0x%04x: that is no vendor", vendor);
    CHECK(c, type == (o->flags & TN_PCIF_BRIDGE ? 1u : 0u),
          "Header Type is %u, the class's flags say %s", type,
          o->flags & TN_PCIF_BRIDGE ? "a bridge" : "no bridge");
    CHECK(c, base <= 0x13 || base == 0x40 || base == 0xff, "Class Code 0x%02x is reserved", base);
    CHECK(c, !(o->flags & TN_PCIF_BRIDGE) || rd(d, PCI_CLASS_DEVICE, 2) == 0x0604,
          "a bridge of class 0x%04x, not 0x0604", rd(d, PCI_CLASS_DEVICE, 2));
    CHECK(c, pin <= 4, "Interrupt Pin is %u", pin);
    check_end(c, h, d);
}

static void stays(struct check *c, struct dev *d, uint32_t off, uint32_t size, const char *what)
{
    uint32_t was = rd(d, off, size);
    wr(d, off, ~was, size);
    uint32_t now = rd(d, off, size);
    CHECK(c, was == now, "%s at 0x%x is read-only: it was 0x%x and is 0x%x after a write", what,
          off, was, now);
}

static void read_only(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    stays(c, d, PCI_VENDOR_ID, 2, "Vendor ID");
    stays(c, d, PCI_DEVICE_ID, 2, "Device ID");
    stays(c, d, PCI_REVISION_ID, 4, "Class Code and Revision ID");
    stays(c, d, PCI_HEADER_TYPE, 1, "Header Type");
    stays(c, d, PCI_CAPABILITY_LIST, 1, "Capabilities Pointer");
    stays(c, d, PCI_INTERRUPT_PIN, 1, "Interrupt Pin");
    if (!is_bridge(d))
        stays(c, d, PCI_SUBSYSTEM_VENDOR_ID, 4, "Subsystem IDs");
    check_end(c, h, d);
}

/* ---- base addresses: LB 6.2.5.1 ---- */

struct sized {
    uint64_t size;
    uint32_t low, io, wide;
};

static struct sized size_bar(struct check *c, struct dev *d, uint32_t n)
{
    uint32_t reg = PCI_BASE_ADDRESS_0 + 4 * n, was = rd(d, reg, 4), high = 0;
    struct sized s = {.io = was & PCI_BASE_ADDRESS_SPACE_IO};
    s.low = s.io ? 3 : 15;
    s.wide = !s.io && (was & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
    CHECK(c, s.io || !(was & 2), "BAR %u has the reserved type %u", n,
          was & PCI_BASE_ADDRESS_MEM_TYPE_MASK);
    CHECK(c, !s.wide || n + 1 < BARS, "BAR %u is of 64 bits and has no upper half", n);
    wr(d, reg, ~0u, 4);
    uint32_t ones_ = rd(d, reg, 4);
    CHECK(c, (ones_ & s.low) == (was & s.low),
          "the low bits of BAR %u were 0x%x and are 0x%x after ones", n, was & s.low,
          ones_ & s.low);
    uint64_t mask = ones_ & ~s.low;
    if (s.wide) {
        high = rd(d, reg + 4, 4);
        wr(d, reg + 4, ~0u, 4);
        mask |= (uint64_t)rd(d, reg + 4, 4) << 32;
        wr(d, reg + 4, high, 4);
    } else if (mask) {
        mask |= 0xffffffff00000000u;
    }
    wr(d, reg, was, 4);
    s.size = mask ? ~mask + 1 : 0;
    if (s.io && mask)
        s.size &= 0xffff;
    CHECK(c, rd(d, reg, 4) == was, "BAR %u does not take its address back", n);
    return s;
}

static void bar_sizing(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    wr(d, PCI_COMMAND, 0, 2);
    for (uint32_t n = 0; n < (is_bridge(d) ? 2u : BARS); n++) {
        struct sized s = size_bar(c, d, n);
        CHECK(c, !(s.size & (s.size - 1)), "BAR %u decodes 0x%llx bytes: no power of two", n,
              (unsigned long long)s.size);
        CHECK(c, !s.size || s.size >= (s.io ? 4 : 16), "BAR %u decodes %llu bytes: too few", n,
              (unsigned long long)s.size);
        CHECK(c, !s.size || s.size == d->pci->bar[n].size,
              "BAR %u decodes 0x%llx bytes and was declared with 0x%llx", n,
              (unsigned long long)s.size, (unsigned long long)d->pci->bar[n].size);
        n += s.wide;
    }
    wr(d, PCI_COMMAND, COMMAND_ALL, 2);
    check_end(c, h, d);
}

/* The registers are the same wherever firmware puts them. */
static void bar_moves(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < 16; i++) {
        for (uint32_t n = 0; n < BARS; n++)
            if (d->pci->bar[n].size && !(d->pci->bar[n].kind & TN_BAR_IO))
                wr(d, PCI_BASE_ADDRESS_0 + 4 * n, (uint32_t)rng_next(&c->rng), 4);
        drive_regs(h, &c->rng, 16);
        wr(d, PCI_COMMAND, rng_below(&c->rng, 8), 2);
        drive_regs(h, &c->rng, 4);
        pci_firmware(d);
    }
    check_end(c, h, d);
}

/* ---- capabilities: LB 6.7 ---- */

static uint32_t cap_length(struct dev *d, uint32_t at)
{
    switch (rd(d, at, 1)) {
    case PCI_CAP_ID_PM:
        return PCI_PM_SIZEOF;
    case PCI_CAP_ID_MSI:
        return rd(d, at + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_64BIT ? 14 : 10;
    case PCI_CAP_ID_MSIX:
        return PCI_CAP_MSIX_SIZEOF;
    case PCI_CAP_ID_EXP:
        return 0x14;
    case PCI_CAP_ID_VNDR:
        return rd(d, at + 2, 1);
    default:
        return 4;
    }
}

static void claim(struct check *c, uint8_t *used, uint32_t at, uint32_t len, uint32_t end)
{
    CHECK(c, len >= 2 && at + len <= end,
          "the capability at 0x%x has %u bytes: too few, or beyond 0x%x", at, len, end);
    for (uint32_t i = at; i < at + len; i++) {
        CHECK(c, !used[i], "the capability at 0x%x overlaps the one at 0x%x", at, i);
        used[i] = 1;
    }
}

static void capabilities(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    uint32_t at = rd(d, PCI_CAPABILITY_LIST, 1), n = 0, seen[256] = {0};
    uint8_t used[256] = {0};
    CHECK(c, !at == !(rd(d, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST),
          "Capabilities Pointer is 0x%x, the Status bit says %s", at,
          at ? "there is no list" : "there is one");
    for (; at; at = rd(d, at + 1, 1)) {
        uint32_t id = rd(d, at, 1);
        CHECK(c, at >= 0x40 && at <= 0xfc && at % 4 == 0,
              "a capability at 0x%x: outside 0x40..0xff or not aligned", at);
        CHECK(c, n++ < CAPS_MAX, "the list of capabilities does not end");
        claim(c, used, at, cap_length(d, at), 256);
        seen[id]++;
        CHECK(c, id == PCI_CAP_ID_VNDR || seen[id] == 1, "capability 0x%02x is there twice", id);
        stays(c, d, at, 2, "the header of a capability");
    }
    CHECK(c,
          !(((const struct tn_pci_ops *)c->cls->bus_ops)->flags & TN_PCIF_EXPRESS) ||
              ((const struct tn_pci_ops *)c->cls->bus_ops)->flags & TN_PCIF_CONVENTIONAL ||
              seen[PCI_CAP_ID_EXP],
          "an Express function without the PCI Express capability (PCIe 7.5.3)");
    check_end(c, h, d);
}

/* PCIe 7.6.3 */
static void extended(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    uint32_t head = rd(d, 0x100, 4), at = 0x100, n = 0;
    uint8_t used[PCI_CFG] = {0};
    if (!pci_find_cap(d->pci, PCI_CAP_ID_EXP))
        check_skip(c, "no Express function");
    while (head && head != ~0u) {
        uint32_t next = PCI_EXT_CAP_NEXT(head);
        CHECK(c, n++ < EXT_CAPS_MAX, "the list of extended capabilities does not end");
        claim(c, used, at, 4, PCI_CFG);
        CHECK(c, PCI_EXT_CAP_VER(head), "the extended capability at 0x%x has version 0", at);
        stays(c, d, at, 4, "the header of an extended capability");
        CHECK(c, !next || (next >= 0x104 && next % 4 == 0 && next <= 0xffc),
              "the extended capability at 0x%x leads to 0x%x", at, next);
        if (!next)
            break;
        at = next;
        head = rd(d, at, 4);
    }
    check_end(c, h, d);
}

/* ---- vectors: LB 6.8 ---- */

static void msix_place(struct check *c, struct dev *d, uint32_t v, uint64_t len, const char *what)
{
    uint32_t bar = v & 7, off = v & ~7u;
    const struct pci_bar *b = bar < BARS ? &d->pci->bar[bar] : NULL;
    CHECK(c, b && b->size && !(b->kind & TN_BAR_IO), "the %s is in BAR %u, which is no memory BAR",
          what, bar);
    CHECK(c, off + len <= b->size, "the %s at 0x%x of 0x%llx bytes is not inside BAR %u", what, off,
          (unsigned long long)len, bar);
}

static void msix(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    uint32_t at = pci_find_cap(d->pci, PCI_CAP_ID_MSIX);
    if (!at)
        check_skip(c, "it has no MSI-X");
    uint32_t n = (rd(d, at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1;
    uint32_t t = rd(d, at + PCI_MSIX_TABLE, 4), p = rd(d, at + PCI_MSIX_PBA, 4);
    uint64_t tlen = 16 * (uint64_t)n, plen = ((uint64_t)n + 63) / 64 * 8;
    msix_place(c, d, t, tlen, "MSI-X table");
    msix_place(c, d, p, plen, "array of pending bits");
    CHECK(c, (t & 7) != (p & 7) || (t & ~7u) + tlen <= (p & ~7u) || (p & ~7u) + plen <= (t & ~7u),
          "the MSI-X table and the pending bits overlap");
    stays(c, d, at + PCI_MSIX_TABLE, 4, "Table Offset");
    stays(c, d, at + PCI_MSIX_PBA, 4, "PBA Offset");
    CHECK(c, !(rd(d, at + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_ENABLE),
          "MSI-X is enabled after a reset");
    check_end(c, h, d);
}

/* Back and forth between INTx, MSI and MSI-X while the device works: what is told of modes and
 * masks is survived. */
static void modes(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < 24; i++) {
        pci_enable_irq(d, rng_below(&c->rng, 4));
        drive_regs(h, &c->rng, 12);
    }
    check_end(c, h, d);
}

/* ---- commands: LB 6.2.2 ---- */

static void no_master(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < 10; i++) {
        wr(d, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
        host_run(h, 1000000);
        uint64_t before = ram_sum(h);
        drive_regs(h, &c->rng, 40);
        /* a legacy virtio device whose driver forgets the bit sets it itself, as on QEMU */
        CHECK(c, ram_sum(h) == before || pci_master(d),
              "RAM has changed while Bus Master Enable was off");
    }
    wr(d, PCI_COMMAND, COMMAND_ALL, 2);
    drive_regs(h, &c->rng, 50);
    check_end(c, h, d);
}

static void random_config(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t size = 1u << rng_below(&c->rng, 3),
                 off = rng_below(&c->rng, rng_below(&c->rng, 4) ? 256 : PCI_CFG);
        off &= ~(size - 1);
        if (rng_below(&c->rng, 2))
            wr(d, off, (uint32_t)rng_value(&c->rng), size);
        else
            rd(d, off, size);
        if (i % 64 == 0)
            drive_regs(h, &c->rng, 4);
    }
    check_end(c, h, d);
}

/* ---- resets of the function ---- */

static void compare_fresh(struct check *c, struct dev *d, const struct st_part *fresh,
                          const char *what)
{
    struct st_part now = {0};
    BUF_AUTO where = {0};
    if (drive_save(d, &now) == 0 && st_differs(fresh, &now, c->o->sticky, &where))
        check_fail(c, "after %s the state is not that of a fresh device: %s (fresh, now)", what,
                   buf_cstr(&where));
    st_free(&now);
}

/* PCIe 6.6.2 */
static void flr(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    struct st_part fresh = {0};
    uint32_t exp = pci_find_cap(d->pci, PCI_CAP_ID_EXP);
    if (!exp || !(rd(d, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR))
        check_skip(c, "it offers no Function Level Reset");
    drive_reset(d, TN_RESET_FLR);
    int saved = drive_save(d, &fresh);
    pci_firmware(d);
    drive_regs(h, &c->rng, 200);
    wr(d, exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR, 2);
    host_run(h, 100000000);
    const char *name = "";
    CHECK(c, !lines_up(d, &name), "%s is asserted after a Function Level Reset", name);
    CHECK(c, !(rd(d, PCI_COMMAND, 2) & COMMAND_ALL), "Command is 0x%x after a Function Level Reset",
          rd(d, PCI_COMMAND, 2));
    if (saved == 0)
        compare_fresh(c, d, &fresh, "a Function Level Reset");
    st_free(&fresh);
    check_end(c, h, d);
}

/* PCI Power Management 1.2 5.4.1, PCIe 5.3.1.4.1 */
static void d3hot(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    uint32_t pm = pci_find_cap(d->pci, PCI_CAP_ID_PM);
    if (!pm)
        check_skip(c, "it has no power management");
    for (uint32_t i = 0; i < 8; i++) {
        drive_regs(h, &c->rng, 50);
        wr(d, pm + PCI_PM_CTRL, 3, 2);
        CHECK(c, (rd(d, pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK) == 3,
              "it does not go to D3hot, which is mandatory");
        host_run(h, 10000000);
        wr(d, pm + PCI_PM_CTRL, 0, 2);
        host_run(h, 10000000);
        CHECK(c, (rd(d, pm + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK) == 0,
              "it does not come back from D3hot");
        pci_firmware(d);
    }
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"header", "vendor, class and header type are what they may be", "PCI 3.0 6.1, 6.2.1", CT_CLASS,
     needs_pci, header},
    {"read-only", "registers that are read-only stay", "PCI 3.0 6.2.1, 6.2.4", CT_CLASS, needs_pci,
     read_only},
    {"bar-sizing", "ones written to a BAR tell its size, a power of two; low bits stay",
     "PCI 3.0 6.2.5.1", CT_CLASS, needs_pci, bar_sizing},
    {"bar-moves", "BARs move, vanish and come back while the device is in use",
     "PCI 3.0 6.2.5, 6.2.2", CT_CLASS, needs_pci, bar_moves},
    {"capabilities", "the list is aligned, inside 0x40..0xff, ends, and nothing overlaps",
     "PCI 3.0 6.7", CT_CLASS, needs_pci, capabilities},
    {"extended-capabilities", "the list begins at 0x100, is aligned and ends", "PCIe 5.0 7.6.3",
     CT_CLASS, needs_pci, extended},
    {"msix", "table and pending bits lie in memory BARs, apart", "PCI 3.0 6.8.2", CT_CLASS,
     needs_pci, msix},
    {"interrupt-modes", "a guest may change between INTx, MSI and MSI-X at any time",
     "PCI 3.0 6.8.3", CT_CLASS, needs_pci, modes},
    {"no-master", "without Bus Master Enable nothing is written to memory", "PCI 3.0 6.2.2",
     CT_CLASS, needs_pci, no_master},
    {"random-config", "no write to configuration space does harm",
     "docs/abi.md: A guest never causes an error", CT_CLASS, needs_pci, random_config},
    {"flr", "a Function Level Reset gives the state of a fresh device", "PCIe 5.0 6.6.2", CT_CLASS,
     needs_pci, flr},
    {"d3hot", "the function goes to D3hot and comes back", "PCI Power Management 1.2 5.4.1",
     CT_CLASS, needs_pci, d3hot},
    {0},
};

const struct check_group group_pci = {"pci", tests};
