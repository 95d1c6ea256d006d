/* SPDX-License-Identifier: BSD-2-Clause */
/* gpio-bus: pins between a bank, which a guest sees, and what is wired to them. The bank's plugin and those
 * of the parts have this header in common, and nothing else: any of them may be somebody else's.
 *
 * Ids of one's own begin with a domain of one's own. Both tables are FWD: they never grow, a new function is
 * a new id. All parts of a bank are in its lock domain, so every call below has [dev] of both sides. */
#ifndef GPIO_H
#define GPIO_H
#include <tenon/bus.h>

#define GPIO_BUS "gpio-bus"
#define GPIO_PART_1 "org.example.gpio-part/1" /**< child_ops: struct gpio_part in class->bus_ops of a part */
#define GPIO_PIN_1 "org.example.gpio-pin/1"   /**< port_ops: struct gpio_pin, what core->port gives a part */
enum { GPIO_PINS = 32 };

/** Child data begin with this: the property that each part gets. Frozen. */
struct gpio_place {
    uint32_t pin; /**< 0..31, or GPIO_ANY */
};
#define GPIO_ANY 0xffffffffu
/** Rows of tn_bus_type.props, the same in every provider. T: child data. */
#define GPIO_BUS_PROPS(T) TN_PROP(T, place.pin, "pin", U32, GPIO_ANY, "number of the pin; by default the next free one")

/** FWD: what a part gives the bank. */
struct gpio_part {
    uint32_t struct_size, flags;
    /** [main][vcpu][dev] the guest drives the pin with level 0 or 1 */
    void (*driven)(void *s, uint32_t level);
};

/** FWD: what the bank gives a part; p is the handle of core->port. */
struct gpio_pin {
    uint32_t struct_size, flags;
    /** [main][ctx][dev] level 0 or 1 that the guest reads there; an edge is an interrupt */
    void (*drive)(void *p, uint32_t level);
};
#endif
