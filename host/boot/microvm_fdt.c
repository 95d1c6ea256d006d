/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/microvm_fdt.h"
#include "boot/memmap.h"
#include <inttypes.h>

#define SERIAL_CLOCK 1843200 /* Hz: 115200 baud with divisor 1 */

static void chosen(struct fdt *t, const struct microvm_fdt *d)
{
    fdt_node(t, "chosen");
    if (d->cmdline)
        fdt_str(t, "bootargs", d->cmdline);
    if (d->initrd_len) {
        fdt_u64(t, "linux,initrd-start", d->initrd_gpa);
        fdt_u64(t, "linux,initrd-end", d->initrd_gpa + d->initrd_len);
    }
    fdt_node_end(t);
}

static void memory(struct fdt *t, uint64_t base, uint64_t len)
{
    if (!len)
        return;
    fdt_node(t, "memory@%" PRIx64, base);
    fdt_str(t, "device_type", "memory");
    fdt_reg(t, base, len);
    fdt_node_end(t);
}

static void cpus(struct fdt *t, const struct microvm_fdt *d)
{
    fdt_node(t, "cpus");
    fdt_u32(t, "#address-cells", 1);
    fdt_u32(t, "#size-cells", 0);
    for (uint32_t i = 0; i < d->n_cpus; i++) {
        fdt_node(t, "cpu@%x", d->apic_ids[i]);
        fdt_str(t, "device_type", "cpu");
        fdt_str(t, "compatible", "intel,x86");
        fdt_u32(t, "reg", d->apic_ids[i]);
        fdt_node_end(t);
    }
    fdt_node_end(t);
}

/* "intel,ce4100-*" are the names under which Linux looks for a PC's interrupt controllers. */
static void interrupt_controllers(struct fdt *t, const struct microvm_fdt *d, uint32_t ioapic)
{
    fdt_node(t, "lapic@%" PRIx64, d->lapic_base);
    fdt_str(t, "compatible", "intel,ce4100-lapic");
    fdt_reg(t, d->lapic_base, BOOT_PAGE);
    fdt_node_end(t);

    fdt_node(t, "ioapic@%" PRIx64, d->ioapic_base);
    fdt_str(t, "compatible", "intel,ce4100-ioapic");
    fdt_reg(t, d->ioapic_base, BOOT_PAGE);
    fdt_flag(t, "interrupt-controller");
    fdt_u32(t, "#interrupt-cells", 2);
    fdt_u32(t, "#address-cells", 0);
    fdt_u32(t, "phandle", ioapic);
    fdt_node_end(t);
}

static void interrupt(struct fdt *t, const struct fdt_device *dev, uint32_t ioapic)
{
    fdt_u32(t, "interrupt-parent", ioapic);
    FDT_CELLS(t, "interrupts", dev->pin, dev->sense);
}

static void virtio(struct fdt *t, const struct fdt_device *dev, uint32_t ioapic)
{
    fdt_node(t, "virtio_mmio@%" PRIx64, dev->base);
    fdt_str(t, "compatible", "virtio,mmio");
    fdt_reg(t, dev->base, dev->len);
    interrupt(t, dev, ioapic);
    fdt_flag(t, "dma-coherent");
    fdt_node_end(t);
}

/* A port in I/O space, on the ISA bus: the first cell of reg is 1 there (IEEE 1275 ISA binding). */
static void isa_reg(struct fdt *t, const struct fdt_device *dev)
{
    FDT_CELLS(t, "reg", 1, (uint32_t)dev->base, (uint32_t)dev->len);
}

static void serial(struct fdt *t, const struct fdt_device *dev, uint32_t ioapic)
{
    if (!dev)
        return;
    fdt_node(t, "serial@i%" PRIx64, dev->base);
    fdt_str(t, "device_type", "serial");
    fdt_str(t, "compatible", "ns16550a");
    isa_reg(t, dev);
    fdt_u32(t, "clock-frequency", SERIAL_CLOCK);
    interrupt(t, dev, ioapic);
    fdt_node_end(t);
}

static void rtc(struct fdt *t, const struct fdt_device *dev, uint32_t ioapic)
{
    if (!dev)
        return;
    fdt_node(t, "rtc@i%" PRIx64, dev->base);
    fdt_str(t, "compatible", "motorola,mc146818");
    isa_reg(t, dev);
    interrupt(t, dev, ioapic);
    fdt_node_end(t);
}

static void isa(struct fdt *t, const struct microvm_fdt *d, uint32_t ioapic)
{
    fdt_node(t, "isa");
    fdt_str(t, "device_type", "isa");
    fdt_str(t, "compatible", "isa");
    fdt_u32(t, "#address-cells", 2);
    fdt_u32(t, "#size-cells", 1);
    /* Ports start at bus address 0 and are not memory. */
    FDT_CELLS(t, "ranges", 1, 0, 0, 0, 0x10000);
    serial(t, d->serial, ioapic);
    rtc(t, d->rtc, ioapic);
    fdt_node_end(t);
}

struct fdt *microvm_fdt_build(const struct microvm_fdt *d)
{
    struct fdt *t = fdt_tree_new();
    uint32_t ioapic = fdt_new_phandle(t);

    fdt_node(t, "%s", "");
    fdt_str(t, "compatible", "linux,microvm");
    fdt_str(t, "model", "microvm");
    fdt_u32(t, "#address-cells", 2);
    fdt_u32(t, "#size-cells", 2);
    chosen(t, d);
    memory(t, 0, d->below_4g);
    memory(t, BOOT_4G, d->above_4g);
    cpus(t, d);
    interrupt_controllers(t, d, ioapic);
    for (uint32_t i = 0; i < d->n_virtio; i++)
        virtio(t, &d->virtio[i], ioapic);
    if (d->serial || d->rtc)
        isa(t, d, ioapic);
    fdt_node_end(t);
    return t;
}
