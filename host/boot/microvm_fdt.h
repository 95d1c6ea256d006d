/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree of an x86 microvm: what a guest needs when there are no ACPI tables. */
#ifndef TN_BOOT_MICROVM_FDT_H
#define TN_BOOT_MICROVM_FDT_H
#include "boot/boot.h"
#include "boot/fdt.h"

/* Interrupt sense, the second cell (Linux arch/x86/kernel/devicetree.c). */
#define FDT_IRQ_EDGE_RISING 0
#define FDT_IRQ_LEVEL_LOW   1
#define FDT_IRQ_LEVEL_HIGH  2

struct fdt_device {
    uint64_t base, len;
    uint32_t pin, sense; /* of the IOAPIC; FDT_IRQ_* */
};

struct microvm_fdt {
    const char *cmdline;             /* or NULL */
    uint64_t initrd_gpa, initrd_len; /* len 0: none */
    uint64_t below_4g, above_4g;     /* RAM, bytes */
    const uint32_t *apic_ids;        /* one per CPU */
    uint32_t n_cpus;
    uint64_t ioapic_base, lapic_base;
    const struct fdt_device *serial; /* PIO, len 8; or NULL */
    const struct fdt_device *rtc;    /* PIO, len 2; or NULL */
    const struct fdt_device *virtio; /* virtio-mmio windows */
    uint32_t n_virtio;
};

/* The finished tree: the caller takes the blob from it and frees it. Never NULL. */
struct fdt *microvm_fdt_build(const struct microvm_fdt *d);

#endif
