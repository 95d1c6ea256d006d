/* SPDX-License-Identifier: BSD-2-Clause */
/* Providers of buses, and children on them: what the groups for buses have in common. */
#ifndef TENON_CHECK_BUS_DRIVE_H
#define TENON_CHECK_BUS_DRIVE_H
#include "parts.h"

/* A provider that runs; skips the test where it makes no bus. */
struct dev *bus_provider(struct check *c, struct host **h);
struct tn_bus *bus_nth(struct dev *d, uint32_t n); /* that d made; NULL */
/* The n-th class for such a bus, of the plugin and of those of --with; NULL. */
const struct tn_class *bus_child_class(const struct check *c, const struct tn_bus *b, uint32_t n);
/* A child of b that is not realized yet, with its stand-ins; NULL, with e: something is missing. */
struct dev *bus_new_child(struct check *c, struct tn_bus *b, const struct tn_class *cls,
                          struct tn_err *e);
/* Realized, reset and resumed; NULL if it is refused, which needs a reason in one line; it is gone
 * then. */
struct dev *bus_run_child(struct check *c, struct dev *x);
/* Both; hot: the machine runs. */
struct dev *bus_add_child(struct check *c, struct tn_bus *b, const struct tn_class *cls,
                          uint32_t hot);

#endif
