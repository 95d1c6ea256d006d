/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI Local Bus 3.0: 3.2.2.3.2 (mechanism #1), 6 (configuration space), 6.8 (MSI, MSI-X). */
#include "guest.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define CONFIG_ENABLE  0x80000000u

#define PCI_ID         0x00
#define PCI_COMMAND    0x04
#define PCI_STATUS     0x06
#define PCI_HEADER     0x0e
#define PCI_BAR0       0x10
#define PCI_CAP_PTR    0x34
#define COMMAND_IO     0x1
#define COMMAND_MEM    0x2
#define COMMAND_MASTER 0x4
#define STATUS_CAPS    0x10
#define BAR_IO         0x1
#define BAR_64         0x4
#define CAP_MSI        0x05
#define CAP_MSIX       0x11
#define MSI_ENABLE     0x1
#define MSI_64         0x80
#define MSIX_ENABLE    0x8000
#define MSIX_TABLE     4 /* registers of the capability */
#define MSIX_PBA       8
#define MSIX_ENTRY_LEN 16
#define MSIX_CONTROL   12            /* of an entry: bit 0 masks */
#define MAPPED_END     0x100000000ul /* of the page tables: firmware may put a BAR above */
#define MSI_ADDRESS    0xfee00000u
#define MCFG_BASE      44
#define MCFG_MIN_LEN   60

static uint64_t ecam_base;
static bool ecam_known;

uint64_t pci_ecam(void)
{
    if (ecam_known)
        return ecam_base;
    ecam_known = true;
    const char *how = arg("pci");
    const struct acpi_header *mcfg = acpi_find("MCFG");
    if (how && streq(how, "cf8"))
        ecam_base = 0;
    else if (arg("ecam"))
        ecam_base = arg_num("ecam", 0);
    else if (mcfg && mcfg->length >= MCFG_MIN_LEN)
        memcpy(&ecam_base, (const uint8_t *)mcfg + MCFG_BASE, sizeof ecam_base);
    return ecam_base;
}

static void select_config(struct pci_fn f, uint32_t offset)
{
    out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)f.bdf << 8 | (offset & 0xfc));
}

uint32_t pci_read(struct pci_fn f, uint32_t offset, uint32_t size)
{
    uint64_t base = pci_ecam(), at = base + ((uint64_t)f.bdf << 12) + offset;
    uint16_t port = (uint16_t)(CONFIG_DATA + (offset & 3));

    if (base)
        return size == 1 ? mmio_read8(at) : size == 2 ? mmio_read16(at) : mmio_read32(at);
    select_config(f, offset);
    return size == 1 ? in8(port) : size == 2 ? in16(port) : in32(port);
}

static void write_cf8(struct pci_fn f, uint32_t offset, uint32_t size, uint32_t v)
{
    uint16_t port = (uint16_t)(CONFIG_DATA + (offset & 3));

    select_config(f, offset);
    if (size == 1)
        out8(port, (uint8_t)v);
    else if (size == 2)
        out16(port, (uint16_t)v);
    else
        out32(port, v);
}

void pci_write(struct pci_fn f, uint32_t offset, uint32_t size, uint32_t v)
{
    uint64_t base = pci_ecam(), at = base + ((uint64_t)f.bdf << 12) + offset;

    if (!base)
        write_cf8(f, offset, size, v);
    else if (size == 1)
        mmio_write8(at, (uint8_t)v);
    else if (size == 2)
        mmio_write16(at, (uint16_t)v);
    else
        mmio_write32(at, v);
}

bool pci_find(uint16_t vendor, uint16_t device, struct pci_fn *f)
{
    uint32_t functions = (uint32_t)arg_num("buses", 1) * 256, step;

    for (uint32_t bdf = 0; bdf < functions; bdf += step) {
        struct pci_fn at = {(uint16_t)bdf};
        uint32_t id = pci_read(at, PCI_ID, 4);
        bool multi = (bdf & 7) || (id != UINT32_MAX && pci_read(at, PCI_HEADER, 1) & 0x80);
        step = multi ? 1 : 8;
        if (id == ((uint32_t)device << 16 | vendor)) {
            *f = at;
            return true;
        }
    }
    return false;
}

/* Sizes a BAR by writing ones; decoding is off meanwhile. */
static uint64_t bar_size(struct pci_fn f, uint32_t reg, uint32_t low)
{
    uint32_t command = pci_read(f, PCI_COMMAND, 2), high = pci_read(f, reg + 4, 4);
    uint64_t mask;

    pci_write(f, PCI_COMMAND, 2, command & ~(uint32_t)(COMMAND_IO | COMMAND_MEM));
    pci_write(f, reg, 4, UINT32_MAX);
    mask = pci_read(f, reg, 4) & (low & BAR_IO ? ~3u : ~15u);
    pci_write(f, reg, 4, low);
    if (low & BAR_IO) {
        mask |= 0xffffffffffff0000;
    } else if (low & BAR_64) {
        pci_write(f, reg + 4, 4, UINT32_MAX);
        mask |= (uint64_t)pci_read(f, reg + 4, 4) << 32;
        pci_write(f, reg + 4, 4, high);
    } else {
        mask |= 0xffffffff00000000;
    }
    pci_write(f, PCI_COMMAND, 2, command);
    return mask & 0xffffffff ? ~mask + 1 : 0;
}

/* Takes the next naturally aligned piece of a window. */
static uint64_t assign(struct pci_fn f, uint32_t reg, uint32_t low, uint64_t size)
{
    static uint64_t io_next, mem_next;
    uint64_t *next = low & BAR_IO ? &io_next : &mem_next, at;

    if (!*next)
        *next = low & BAR_IO ? arg_num("io_window", 0xc000) : arg_num("mmio_window", 0xc0000000);
    at = (*next + size - 1) & ~(size - 1);
    *next = at + size;
    pci_write(f, reg, 4, (uint32_t)at);
    if (!(low & BAR_IO) && low & BAR_64)
        pci_write(f, reg + 4, 4, 0);
    return at;
}

uint64_t pci_bar(struct pci_fn f, uint32_t bar)
{
    uint32_t reg = PCI_BAR0 + 4 * bar, low = pci_read(f, reg, 4);
    uint64_t at = low & (low & BAR_IO ? ~3u : ~15u);

    if (!(low & BAR_IO) && low & BAR_64)
        at |= (uint64_t)pci_read(f, reg + 4, 4) << 32;
    if (at && at < MAPPED_END)
        return at;
    uint64_t size = bar_size(f, reg, low);
    return size ? assign(f, reg, low, size) : 0;
}

void pci_enable(struct pci_fn f)
{
    pci_write(f, PCI_COMMAND, 2,
              pci_read(f, PCI_COMMAND, 2) | COMMAND_IO | COMMAND_MEM | COMMAND_MASTER);
}

uint32_t pci_cap(struct pci_fn f, uint8_t id)
{
    uint32_t at;

    if (!(pci_read(f, PCI_STATUS, 2) & STATUS_CAPS))
        return 0;
    at = pci_read(f, PCI_CAP_PTR, 1) & 0xfc;
    for (uint32_t i = 0; at && i < 48; i++, at = pci_read(f, at + 1, 1) & 0xfc)
        if (pci_read(f, at, 1) == id)
            return at;
    return 0;
}

bool pci_msi(struct pci_fn f, uint8_t vector)
{
    uint32_t cap = pci_cap(f, CAP_MSI), control;

    if (!cap)
        return false;
    control = pci_read(f, cap + 2, 2);
    pci_write(f, cap + 4, 4, MSI_ADDRESS | lapic_id() << 12);
    if (control & MSI_64)
        pci_write(f, cap + 8, 4, 0);
    pci_write(f, cap + (control & MSI_64 ? 12 : 8), 2, vector);
    pci_write(f, cap + 2, 2, (control & ~0x70u) | MSI_ENABLE);
    return true;
}

/* Address of what an offset-and-BIR register of the MSI-X capability names: table (4) or PBA (8).
 */
static uint64_t msix_region(struct pci_fn f, uint32_t reg)
{
    uint32_t where = pci_read(f, pci_cap(f, CAP_MSIX) + reg, 4);
    return pci_bar(f, where & 7) + (where & ~7u);
}

bool pci_msix(struct pci_fn f, uint32_t entry, uint8_t vector)
{
    uint32_t cap = pci_cap(f, CAP_MSIX);

    if (!cap)
        return false;
    uint64_t at = msix_region(f, MSIX_TABLE) + MSIX_ENTRY_LEN * entry;
    pci_write(f, cap + 2, 2, pci_read(f, cap + 2, 2) | MSIX_ENABLE);
    mmio_write32(at, MSI_ADDRESS | lapic_id() << 12);
    mmio_write32(at + 4, 0);
    mmio_write32(at + 8, vector);
    mmio_write32(at + MSIX_CONTROL, 0);
    return true;
}

void pci_msix_mask(struct pci_fn f, uint32_t entry, bool masked)
{
    mmio_write32(msix_region(f, MSIX_TABLE) + MSIX_ENTRY_LEN * entry + MSIX_CONTROL, masked);
}

bool pci_msix_pending(struct pci_fn f, uint32_t entry)
{
    return mmio_read32(msix_region(f, MSIX_PBA) + entry / 32 * 4) >> entry % 32 & 1;
}
