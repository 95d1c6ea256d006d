/* SPDX-License-Identifier: BSD-2-Clause */
/* Bus instances, and which bus a device goes to. Main thread. */
#ifndef TN_HOST_BUS_H
#define TN_HOST_BUS_H
#include "device.h"
#include <tenon/bus.h>

struct tn_bus {
    struct managed m; /* of its provider */
    struct vm *vm;
    const struct tn_bus_type *type;
    char *name;
    struct device *owner; /* provider; NULL: the machine */
    const void *port_ops;
    void *data; /* first argument of the type's functions */
    TAILQ_ENTRY(tn_bus) all;
    TAILQ_HEAD(siblings, device) children;
    uint32_t nchildren;
    void *pci; /* struct pci_bus of host/pci, if it is one */
};

/* owner NULL: of the machine. name NULL: "ID.0", or TYPE.N in lower case. */
struct tn_bus *bus_new(struct vm *vm, struct device *owner, const struct tn_bus_type *type,
                       const char *name, const void *port_ops, void *data, struct tn_err *e);
void bus_free(struct tn_bus *b); /* no children are left */
int bus_full(const struct tn_bus *b);
/* Devices can come to it, and go, while the machine runs. */
int bus_takes_hotplug(const struct tn_bus *b);
int bus_type_is(const struct tn_bus_type *t, const char *name);
struct tn_bus *bus_find(struct vm *vm, const char *name);
/* The bus for a device of type: bus= by name, or the first that is not full, from the roots down,
 * newest first. */
struct tn_bus *bus_for(struct vm *vm, const struct class_entry *c, const char *name,
                       struct tn_err *e);
/* The class to make for c on this machine: c, or if its bus is not here, nor the one called name is
 * of its type, its first composition whose transport has a bus: `virtio-blk` is `virtio-blk-pci`. */
const struct class_entry *bus_transport_for(struct vm *vm, const struct class_entry *c,
                                            const char *name);
/* Of a composition that would rather use a transport that is there (TN_COMPOSE_INTO_FREE): a free
 * inner bus, the one called name if that is given. NULL: one is to be made. */
struct tn_bus *bus_free_inner(struct vm *vm, const struct class_entry *c, const char *name);

#endif
