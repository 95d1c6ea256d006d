/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * PCI buses below a plugin: bridges, ports, extra roots. Config routing, the type-1 header and its windows stay with the
 * host; the plugin brings identity, slot registers and reactions.
 */
#ifndef TENON_PCI_BUS_H
#define TENON_PCI_BUS_H
#include <tenon/bus.h>
#include <tenon/pci.h>
#ifdef __cplusplus
extern "C" {
#endif

/** what of routed(); TN_PCIB_*: flags of bridge() and root() */
enum { TN_BRIDGE_NUMBERS = 1, TN_BRIDGE_IO = 2, TN_BRIDGE_MEM = 4, TN_BRIDGE_PREF = 8, TN_BRIDGE_ARI = 16 };
enum {
    TN_PCIB_CONVENTIONAL = 1,
    TN_PCIB_ONE_SLOT = 2, /**< only device 0 below (a port) */
    TN_PCIB_HOTPLUG = 4,
    TN_PCIB_CXL = 8
};

/** FWD: what a bridge, port or extra root gives the host. Any function may be NULL. */
struct tn_pci_bus_ops {
    uint32_t struct_size, flags;
    /** [main] may a function with these ops sit at devfn */
    int (*check)(void *s, uint32_t devfn, const struct tn_pci_ops *child, struct tn_err *e);
    /** [vcpu][dev] after the host routed by new numbers or windows: TN_BRIDGE_* that changed */
    void (*routed)(void *s, uint32_t what);
    /** [vcpu][dev] the bus reset bit was set (1) or cleared (0); the host resets the functions below */
    void (*bus_reset)(void *s, uint32_t on);
    /** [any] leaf: a message from below (ERR_*, PM_PME), rid of the sender */
    void (*message)(void *s, uint32_t code, uint32_t rid);
    /** [any] leaf: pin 0..3 of slot -> pin of this function; NULL = (pin + slot) % 4 */
    uint32_t (*swizzle)(void *s, uint32_t slot, uint32_t pin);
};

#define TN_PCI_BUS_1 "tenon.pci-bus/1"
/** TN_PCI_BUS_1 */
struct tn_pci_bus {
    uint32_t struct_size, rev;
    /** [main] in realize of a function with TN_PCIF_BRIDGE; t NULL = plain "PCI" or "PCIE"; flags TN_PCIB_* */
    int (*bridge)(struct tn_dev *d, const struct tn_bus_type *t, const char *name, uint32_t flags, const void *port_ops,
                  void *bus, const struct tn_pci_bus_ops *o, void *s, struct tn_bus **out, struct tn_err *e);
    /** [main] in realize of an extra root: bus number nr up to the next root's; -EBUSY if nr is taken */
    int (*root)(struct tn_dev *d, const struct tn_bus_type *t, const char *name, uint32_t nr, uint32_t flags, uint32_t numa,
                const void *port_ops, void *bus, const struct tn_pci_bus_ops *o, void *s, struct tn_bus **out,
                struct tn_err *e);
    /** [main] claim chassis and slot number, unique in the machine: -EBUSY */
    int (*slot)(struct tn_dev *d, uint32_t chassis, uint32_t slot, struct tn_err *e);
    /** [any] numbers as routed now: primary, secondary, subordinate */
    void (*numbers)(struct tn_bus *b, uint32_t v[3]);
    /** [main] the function at devfn, or NULL */
    struct tn_dev *(*at)(struct tn_bus *b, uint32_t devfn);
    /** [main] hints: buses, and bytes of io, mem, pref32, pref64 to reserve; ~0 = none given */
    int (*reserve)(struct tn_dev *d, const uint64_t v[5]);
};

#ifdef __cplusplus
}
#endif
#endif
