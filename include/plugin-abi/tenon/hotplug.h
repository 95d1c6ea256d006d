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

/** What the owner of a slot (a port, the ACPI hotplug device) gives the host. Any function but unplug_request may be NULL.
 * devfn: slot << 3 | function, b: the bus of the slot. */
struct tn_plug_ops {
    uint32_t struct_size, flags;
    /** [main][dev] before realize, of a device that comes while the machine runs: is it allowed here now. 0, or -errno with
     * e. NULL: always */
    int (*pre)(void *s, struct tn_bus *b, uint32_t devfn, struct tn_err *e);
    /** [main][dev] function 0 is realized, and the guest may see the slot. cold 1: before the first run, no event; 0: tell
     * the guest. NULL: it finds out by itself, or never */
    void (*plug)(void *s, struct tn_bus *b, uint32_t devfn, uint32_t cold);
    /** [main][dev] 0 = asked the guest, it answers through eject() or refused(); -EBUSY = asked already; -EINVAL = cannot:
     * e need not be filled, the host has a text for both. surprise 1: no time to ask, the device goes anyway */
    int (*unplug_request)(void *s, struct tn_bus *b, uint32_t devfn, uint32_t surprise, struct tn_err *e);
    /** [main][dev] the functions are gone, devfn is that of function 0 */
    void (*unplugged)(void *s, struct tn_bus *b, uint32_t devfn);
};

#define TN_HOTPLUG_1 "tenon.hotplug/1"
/** TN_HOTPLUG_1 */
struct tn_hotplug {
    uint32_t struct_size, rev;
    /** [main] in realize: o and s serve the slots of b; NULL: of every PCI bus without a handler, present and future. o is
     * borrowed. 0; -EBUSY: they have an owner, named in e; -EINVAL with e: b is no PCI bus. Managed */
    int (*handler)(struct tn_dev *d, struct tn_bus *b, const struct tn_plug_ops *o, void *s, struct tn_err *e);
    /** [vcpu][dev] the guest let go of a slot (0..31): all its functions go, later, on main, drained; unplugged() follows.
     * 0, also of an empty slot; -EINVAL: there is no such slot */
    int (*eject)(struct tn_dev *d, struct tn_bus *b, uint32_t slot);
    /** [main] occupied slots: bit i is slot i; 0 of what is no PCI bus */
    uint32_t (*slots)(struct tn_dev *d, struct tn_bus *b);
    /** [main] fn(o, b, bsel) for each PCI bus, until it is not 0: that value. bsel: a number of the bus, stable over
     * migration */
    int (*each_bus)(struct tn_dev *d, int (*fn)(void *o, struct tn_bus *b, uint32_t bsel), void *o);
    /** [any] the guest refused to let go of a slot (0..31), why: for the log. Who waits is told; the device stays */
    void (*refused)(struct tn_dev *d, struct tn_bus *b, uint32_t slot, const char *why);
};

#ifdef __cplusplus
}
#endif
#endif
