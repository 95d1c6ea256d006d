/* SPDX-License-Identifier: BSD-2-Clause */
/* Base address registers: PCI Local Bus 3.0 6.2.5, PCIe Base 6.0 7.5.1.2.1 and 7.5.1.2.4. */
#include "pci/config.h"
#include "util/bytes.h"
#include <errno.h>

static bool is_pow2(uint64_t v)
{
    return v && !(v & (v - 1));
}

static uint32_t last_bar(const struct pci_config *c)
{
    return c->flags & PCI_FN_BRIDGE ? 1 : 5;
}

uint32_t pci_bar_reg(const struct pci_config *c, uint32_t n)
{
    if (n == PCI_ROM_BAR)
        return c->flags & PCI_FN_BRIDGE ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS;
    return PCI_BASE_ADDRESS_0 + 4 * n;
}

/* Whether BAR n's register is taken, also as the upper half of BAR n - 1. */
static bool taken(const struct pci_config *c, uint32_t n)
{
    return c->bar[n].size || (n > 0 && n < PCI_ROM_BAR && (c->bar[n - 1].kind & PCI_BAR_MEM64));
}

static bool kind_ok(uint32_t kind, uint64_t size)
{
    switch (kind) {
    case PCI_BAR_IO:
        return size >= PCI_BAR_IO_MIN && size <= 1u << 31;
    case PCI_BAR_MEM32:
    case PCI_BAR_MEM32 | PCI_BAR_PREFETCH:
        return size >= PCI_BAR_MEM_MIN && size <= 1u << 31;
    case PCI_BAR_MEM64:
    case PCI_BAR_MEM64 | PCI_BAR_PREFETCH:
        return size >= PCI_BAR_MEM_MIN;
    default:
        return false;
    }
}

/* The read-only low bits that tell software what the region is. */
static uint32_t type_bits(uint32_t kind)
{
    uint32_t v = 0;

    if (kind & PCI_BAR_IO)
        v |= PCI_BASE_ADDRESS_SPACE_IO;
    if (kind & PCI_BAR_MEM64)
        v |= PCI_BASE_ADDRESS_MEM_TYPE_64;
    if (kind & PCI_BAR_PREFETCH)
        v |= PCI_BASE_ADDRESS_MEM_PREFETCH;
    return v;
}

static void set_bar(struct pci_config *c, uint32_t n, uint32_t kind, uint64_t size)
{
    c->bar[n] = (struct pci_bar){
        .size = size, .addr = PCI_BAR_UNMAPPED, .vf = PCI_BAR_UNMAPPED, .kind = kind};
}

static void declare(struct pci_config *c, uint32_t n)
{
    uint32_t reg = pci_bar_reg(c, n), kind = c->bar[n].kind;
    uint64_t mask = ~(c->bar[n].size - 1);

    pci_config_reg(c, reg, 4, type_bits(kind), (uint32_t)mask, 0);
    put_le32(c->check + reg, 0xffffffff);
    if (kind & PCI_BAR_MEM64) {
        pci_config_reg(c, reg + 4, 4, 0, (uint32_t)(mask >> 32), 0);
        put_le32(c->check + reg + 4, 0xffffffff);
    }
}

int pci_bar_add(struct pci_config *c, uint32_t n, uint32_t kind, uint64_t size)
{
    bool wide = kind & PCI_BAR_MEM64;

    if (n > last_bar(c) || n + wide > last_bar(c) || !is_pow2(size) || !kind_ok(kind, size))
        return -EINVAL;
    if (c->flags & PCI_FN_VF && kind & PCI_BAR_IO)
        return -EINVAL;
    if (taken(c, n) || (wide && taken(c, n + 1)))
        return -EBUSY;
    set_bar(c, n, kind, size);
    if (!(c->flags & PCI_FN_VF)) /* its registers are read-only zeros: 9.3.4.1.11 */
        declare(c, n);
    return 0;
}

int pci_rom_add(struct pci_config *c, uint64_t size)
{
    if (!is_pow2(size) || size < PCI_ROM_MIN || size > PCI_ROM_MAX || c->flags & PCI_FN_VF)
        return -EINVAL;
    if (taken(c, PCI_ROM_BAR))
        return -EBUSY;
    set_bar(c, PCI_ROM_BAR, PCI_BAR_MEM32, size);
    pci_config_reg(c, pci_bar_reg(c, PCI_ROM_BAR), 4, 0,
                   (uint32_t) ~(size - 1) | PCI_ROM_ADDRESS_ENABLE, 0);
    return 0;
}

uint64_t pci_bar_addr(const struct pci_config *c, uint32_t n)
{
    return n < PCI_BARS && c->bar[n].size ? c->bar[n].addr : PCI_BAR_UNMAPPED;
}

/* Whether the Command register, the ROM's own bit, the power state and presence let the region
 * answer (PCI Local Bus 3.0 6.2.2 and 6.2.5.2; PCIe Base 6.0 5.3.1.4 for D3hot). */
static bool decodes(const struct pci_config *c, uint32_t n)
{
    uint16_t need = c->bar[n].kind & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

    if (c->absent || pci_config_power(c) || !(get_le16(c->bytes + PCI_COMMAND) & need))
        return false;
    return n != PCI_ROM_BAR || (c->bytes[pci_bar_reg(c, n)] & PCI_ROM_ADDRESS_ENABLE);
}

static uint64_t programmed(const struct pci_config *c, uint32_t n)
{
    uint32_t reg = pci_bar_reg(c, n);
    uint64_t v =
        c->bar[n].kind & PCI_BAR_MEM64 ? get_le64(c->bytes + reg) : get_le32(c->bytes + reg);

    return v & ~(c->bar[n].size - 1);
}

/* The sizing pattern ends at the top of the register, or wraps, and is no address; neither is 0 on
 * x86, where firmware leaves unassigned BARs there with decoding on. QEMU maps the same set. */
static uint64_t decode(const struct pci_config *c, uint32_t n)
{
    uint64_t base = programmed(c, n), last = base + (c->bar[n].size - 1);
    uint64_t top = c->bar[n].kind & PCI_BAR_MEM64 ? UINT64_MAX : UINT32_MAX;

    if (!decodes(c, n) || last < base || last >= top)
        return PCI_BAR_UNMAPPED;
    if (!base && !(c->flags & PCI_FN_ZERO_BAR))
        return PCI_BAR_UNMAPPED;
    return base;
}

static uint64_t decode_vf(const struct pci_config *c, uint32_t n)
{
    return c->absent || pci_config_power(c) ? PCI_BAR_UNMAPPED : c->bar[n].vf;
}

static uint64_t address(const struct pci_config *c, uint32_t n)
{
    if (!c->bar[n].size)
        return PCI_BAR_UNMAPPED;
    return c->flags & PCI_FN_VF ? decode_vf(c, n) : decode(c, n);
}

uint32_t pci_bar_place(struct pci_config *c, uint32_t n, uint64_t addr)
{
    if (n < PCI_BARS)
        c->bar[n].vf = addr;
    return pci_bars_update(c);
}

uint32_t pci_bars_update(struct pci_config *c)
{
    uint32_t changed = 0;

    for (uint32_t n = 0; n < PCI_BARS; n++) {
        uint64_t addr = address(c, n);

        if (c->bar[n].size && addr != c->bar[n].addr)
            changed |= 1u << n;
        c->bar[n].addr = addr;
    }
    return changed;
}
