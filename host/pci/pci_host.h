/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI in the host: root bus, functions, BARs in the spaces, vectors to messages; on top of
 * lib/pci's config space. */
#ifndef TN_HOST_PCI_HOST_H
#define TN_HOST_PCI_HOST_H
#include "core/device.h"
#include <tenon/hotplug.h>
#include <tenon/pci-bus.h>
#include <tenon/pci.h>

struct buf;

/* The root: bus "pcie.0" (express) of 256 numbers with its ECAM at ecam_base, or "pci.0"
 * (conventional) if that is 0; config ports 0xcf8 and 0xcfc. Serves TN_PCI_1, TN_PCI_BUS_1, TN_HOTPLUG_1. */
struct pci *pci_host_new(struct vm *vm, uint64_t ecam_base, struct tn_err *e);
void pci_host_free(struct pci *p); /* NULL is fine */
/* The constant of "PCI" or "PCIE", for help texts; NULL for other names. */
const struct tn_bus_type *pci_bus_type(const char *name);
struct tn_bus *pci_root_bus(struct vm *vm);

/* For direct boot, where no firmware does it: bus numbers, bridge windows and BARs, in windows of
 * the machine's map. Main thread, after cold plug and at each reset. */
struct pci_windows {
    uint64_t io_base, io_size, mem32_base, mem32_size, mem64_base, mem64_size;
};
int pci_assign(struct vm *vm, const struct pci_windows *w, struct tn_err *e);

/* GSI of INTA..INTD (0..3) of a root slot: 16 + (slot + pin) % 8. */
uint32_t pci_root_gsi(uint32_t slot, uint32_t pin);

void pci_reset_all(struct vm *vm, uint32_t kind);         /* NULL pci is fine */
void pci_reset_function(struct device *d, uint32_t kind); /* not a function: nothing */
/* The slots of b, a PCI bus, have an owner that can tell the guest. */
int pci_bus_takes_hotplug(const struct tn_bus *b);
/* The slot that d is in goes as if the guest had let go of it, now unless the main thread waits for
 * a device. Not a function: -ENOSYS. */
int pci_let_go(struct device *d);
/* Asks the owner of the slot. 0 asked, -ENOSYS: no owner, -errno refused. */
int pci_unplug_request(struct device *d, struct tn_err *e);
/* d is realized: its slot's owner shows it to the guest, if d is function 0. Not a function:
 * nothing. */
void pci_slot_filled(struct device *d);
/* _CRS and _PRT of a bus as AML, for TN_ACPI_BUILD_1. */
int pci_aml_crs(struct tn_bus *b, struct buf *aml);
int pci_aml_prt(struct tn_bus *b, struct buf *aml);
/* Every function in order of address, until fn is not 0. */
int pci_each(struct vm *vm, int (*fn)(void *o, struct device *d, uint32_t rid), void *o);

/* State of the function that d is: appends it to out; says whether it could be loaded, changing
 * nothing; loads it, before its class's. 0 or -errno with e. d is at rest. Main thread. */
int pci_state_save(struct device *d, struct buf *out, struct tn_err *e);
int pci_state_fits(struct device *d, const void *p, size_t len, struct tn_err *e);
int pci_state_load(struct device *d, const void *p, size_t len, struct tn_err *e);
/* CONFIG_ADDRESS, and what follows from all functions together once the last is loaded. */
uint32_t pci_state_address(const struct vm *vm);
void pci_state_loaded(struct vm *vm, uint32_t address);

/* A function's registers as they are now. */
struct pci_info {
    uint32_t bus, slot, function;
    uint32_t vendor, device, class_code, has_subsystem, subvendor, subsystem;
    uint32_t irq_line, irq_pin; /* pin 0: none */
    struct {
        uint64_t size, addr; /* size 0: none; addr TN_ANYWHERE: not mapped */
        uint32_t kind;       /* TN_BAR_* */
    } bar[7];                /* [6]: the expansion ROM */
    struct tn_bus *below;    /* of a bridge; NULL: it is none */
    uint32_t primary, secondary, subordinate;
    struct {
        uint64_t base, limit; /* closed if base > limit */
    } window[3];              /* I/O, memory, prefetchable */
};
/* 1; or 0: d is no function that the guest could see. Main thread. */
int pci_describe(struct device *d, struct pci_info *out);

extern const struct tn_pci pci_table;         /* TN_PCI_1 */
extern const struct tn_pci_bus pci_bus_table; /* TN_PCI_BUS_1 */
extern const struct tn_hotplug hotplug_table; /* TN_HOTPLUG_1 */

#endif
