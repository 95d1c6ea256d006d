/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * A bus type: what a device must be and get in order to sit on a bus. The host brokers identity, lifetime and naming;
 * provider and child then call each other directly through child_ops and port_ops.
 * A type that several plugins provide is one constant in a public header: unequal twins are refused.
 */
#ifndef TENON_BUS_H
#define TENON_BUS_H
#include <tenon/prop.h>
#ifdef __cplusplus
extern "C" {
#endif

enum {
    TN_BUS_ONE_DOMAIN = 1, /**< children take the provider's lock: USB, SCSI, NVMe, CCID; never PCI */
    TN_BUS_NO_DEFAULT = 2  /**< only bus=ID finds it */
};
/** Constant. Any function may be NULL. bus: what bus_create() was given; child: the data for this child, NULL without
 * child_size. */
struct tn_bus_type {
    uint32_t struct_size, flags;
    uint32_t max_children, reserved; /**< 0 = no limit; a full bus is skipped by the default-bus rule */
    const char *name;                /**< "usb-bus" */
    const char *const *is_a;         /**< base types, NULL-terminated: "CXL" is_a "PCIE", "PCI"; or NULL */
    const char *child_ops;           /**< id of the table in the child's class->bus_ops; NULL = none */
    const char *port_ops;            /**< id of the table that the provider gives each child; NULL = none */
    const struct tn_prop *props;     /**< added to every child ("port", "lun"), stored in its child data */
    uint32_t nprops, prop_stride;
    uint64_t child_size;             /**< bytes of provider data per child, zeroed; holds those props */
    /** [main][dev] before attach: is the address free and legal, does the child fit; takes the address. May create
     * children on this very bus. 0 or -errno with e. Each success is answered by one detach(), whatever failed later */
    int (*check)(void *bus, void *child, struct tn_dev *d, const void *ops, struct tn_err *e);
    /** [main][dev] before the child's realize; core->port works from here on. s: the child's instance, for calls of ops. 0
     * or -errno with e */
    int (*attach)(void *bus, void *child, struct tn_dev *d, const void *ops, void *s, struct tn_err *e);
    /** [main][dev] after the child's realize: it is known now. 0, or -errno with e: the child is undone */
    int (*plugged)(void *bus, void *child, struct tn_err *e);
    /** [main][dev] a TN_PF_RUNTIME property among props has a new value; -errno with e puts the old one back */
    int (*prop_changed)(void *bus, void *child, const char *name, struct tn_err *e);
    /** [main] one Open Firmware node: "disk@0,0"; length without the NUL, or -errno */
    int (*fw_path)(void *bus, void *child, char *buf, uint64_t len);
    /** [main][dev] as tn_class.unplug_request, asked of the provider where the child's class has no opinion */
    int (*unplug_request)(void *bus, void *child, struct tn_err *e);
    /** [main][dev] after the child's unrealize, or after a failure behind check() */
    void (*detach)(void *bus, void *child);
    /** [main] address of the child on this bus, for messages: "2.1"; length or -errno */
    int (*path)(void *bus, void *child, char *buf, uint64_t len);
};

#ifdef __cplusplus
}
#endif
#endif
