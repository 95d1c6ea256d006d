/* SPDX-License-Identifier: BSD-2-Clause */
/* The small conforming device as a transport: the bus that it makes, a class for that, and the
 * composition of the two; broken by macros. */
#include <tenon/bus.h>
#include <tenon/class.h>
#include <tenon/plugin.h>
#ifndef BUS_CREATE
#define BUS_CREATE(s, e) s->d->core->bus_create(s->d, &case_bus, NULL, NULL, s, &bus_, e)
#endif
#ifndef PRESET
#define PRESET NULL
#endif
#ifndef IN_PLUGGED
#define IN_PLUGGED(s, e)
#endif
#define IN_REALIZE(s, e)           \
    do {                           \
        struct tn_bus *bus_;       \
        int r_ = BUS_CREATE(s, e); \
        (void)bus_;                \
        if (r_ < 0)                \
            return r_;             \
    } while (0)
static const struct tn_bus_type case_bus;
static const struct tn_class insert;
static const struct tn_compose *const mixes[];
static const struct tn_bus_type *const buses[];
#define EXTRA   .desc = "a gadget", .flags = TN_C_INTERNAL
#define CLASSES &gadget, &insert, NULL
#define PLUGIN  .version = "1", .composes = mixes, .buses = buses
#include "device.h"

static int plugged(void *bus, void *child, struct tn_err *e)
{
    struct gadget *s = bus;
    (void)s, (void)child, (void)e;
    IN_PLUGGED(s, e);
    return 0;
}

static const struct tn_bus_type case_bus = {
    .struct_size = sizeof case_bus, .name = "case", .max_children = 1, .plugged = plugged};

static int insert_init(void *self, struct tn_dev *d)
{
    *(struct tn_dev **)self = d;
    return 0;
}
static const struct tn_class insert = {.struct_size = sizeof insert,
                                       .kind = TN_K_DEVICE,
                                       .name = "insert",
                                       .desc = "sits in a case",
                                       .bus = "case",
                                       .instance_size = sizeof(void *),
                                       .init = insert_init};

static const char *const preset[] = {PRESET, NULL};
static const struct tn_compose mix = {.struct_size = sizeof mix,
                                      .transport = "gadget",
                                      .inner_bus = "case",
                                      .suffix = "-case",
                                      .preset = preset,
                                      .child = "insert"};
static const struct tn_compose *const mixes[] = {&mix, NULL};
static const struct tn_bus_type *const buses[] = {&case_bus, NULL};
