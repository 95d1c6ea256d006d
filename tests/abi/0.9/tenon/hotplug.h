/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * PCI hotplug: who tells the guest. Precedence: the class's veto, the slot's owner, the bus type, at once.
 */
#ifndef TENON_HOTPLUG_H
#define TENON_HOTPLUG_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** What the owner of a slot (a port, the ACPI hotplug device) gives the host. */
struct tn_plug_ops {
    uint32_t struct_size, flags;
    /** [main][dev] before realize: is a device allowed here now */
    int (*pre)(void *s, struct tn_bus *b, uint32_t devfn, struct tn_err *e);
    /** [main][dev] function 0 is realized; cold: before the first run, no event */
    void (*plug)(void *s, struct tn_bus *b, uint32_t devfn, uint32_t cold);
    /** [main][dev] 0 = asked the guest, it answers through eject(); -EBUSY = asked already; -EINVAL = cannot */
    int (*unplug_request)(void *s, struct tn_bus *b, uint32_t devfn, uint32_t surprise, struct tn_err *e);
    /** [main][dev] the functions are gone */
    void (*unplugged)(void *s, struct tn_bus *b, uint32_t devfn);
};

#define TN_HOTPLUG_1 "tenon.hotplug/1"
/** TN_HOTPLUG_1 */
struct tn_hotplug {
    uint32_t struct_size, rev;
    /** [main] bus NULL: every PCI bus without a handler, present and future. Managed */
    int (*handler)(struct tn_dev *d, struct tn_bus *b, const struct tn_plug_ops *o, void *s, struct tn_err *e);
    /** [vcpu][dev] the guest let go of a slot: all its functions go, on main, drained */
    int (*eject)(struct tn_dev *d, struct tn_bus *b, uint32_t slot);
    /** [main] occupied slots: bitmap of 32 */
    uint32_t (*slots)(struct tn_dev *d, struct tn_bus *b);
    /** [main] each PCI bus; bsel is stable over migration; until fn is not 0 */
    int (*each_bus)(struct tn_dev *d, int (*fn)(void *o, struct tn_bus *b, uint32_t bsel), void *o);
    /** [any] the guest refused */
    void (*refused)(struct tn_dev *d, struct tn_bus *b, uint32_t slot, const char *why);
};

#ifdef __cplusplus
}
#endif
#endif
