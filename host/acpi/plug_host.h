/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hotplug devices of processors and of memory share behind their registers: the slots, the
 * event, and what the machine tells of them. Main thread, but where it says so. */
#ifndef TN_ACPI_PLUG_HOST_H
#define TN_ACPI_PLUG_HOST_H
#include "core/device.h"
#include "plug_slot.h"
#include <tenon/region.h>

struct plug_host {
    struct tn_dev *dev;
    struct plug_slot *slot;
    struct tn_acpi_event *event;
    uint32_t told; /* the guest's tables are made: what comes later is an event */
};

/* Realize: len I/O ports at base called name, and an event of that name, on which the guest runs
 * method (a path in the DSDT). 0 or -errno with e. */
struct plug_ports {
    uint32_t base, len;
    const char *name, *event, *method;
    const struct tn_region_ops *ops; /* with self */
    void *self;
};
int plug_host_realize(struct plug_host *h, const struct plug_ports *p, struct tn_err *e);
/* Reset of n slots: the tables are made anew, with what is there now. */
void plug_host_reset(struct plug_host *h, uint32_t n);
/* Slot i is filled; the caller has said with what. 1: the guest is told. */
int plug_host_came(struct plug_host *h, uint32_t i);
/* The guest is to let go of slot i. */
void plug_host_ask(struct plug_host *h, uint32_t i);
/* Slot i is empty. */
void plug_host_gone(struct plug_host *h, uint32_t i);
/* Slot i as it is now. */
struct plug_slot plug_host_slot(const struct plug_host *h, uint32_t i);

#endif
