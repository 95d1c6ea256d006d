/* SPDX-License-Identifier: BSD-2-Clause */
/* What device.c (an instance and its properties) and device_life.c (realize and the end) share. */
#ifndef TN_HOST_DEVICE_IMPL_H
#define TN_HOST_DEVICE_IMPL_H
#include "device.h"
#include "prop.h"

static inline struct prop_table class_props(const struct tn_class *c)
{
    return (struct prop_table){c->props, c->nprops, c->prop_stride};
}
static inline struct prop_table bus_props(const struct tn_bus_type *t)
{
    return (struct prop_table){t->props, t->nprops, t->prop_stride};
}
/* -global values for d's class, and for its bus once it has one. */
int device_apply_globals(struct device *d, struct tn_err *e);
/* Tells the monitors of a device: DEVICE_DELETED, DEVICE_UNPLUG_GUEST_ERROR. id may be NULL. */
void device_tell(struct vm *vm, const char *event, const char *id, const char *path);
/* d will sit on b: it gets the bus's data and their defaults. */
int device_meet_bus(struct device *d, struct tn_bus *b, struct tn_err *e);
int device_meet_bus_type(struct device *d, const struct tn_bus_type *t, struct tn_err *e);

#endif
