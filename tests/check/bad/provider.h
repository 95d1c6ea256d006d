/* SPDX-License-Identifier: BSD-2-Clause */
/* The small conforming device with a bus below it, and what may sit there; broken by macros. */
#ifndef SEAT_SIZE
#define SEAT_SIZE sizeof(struct seat)
#endif
#ifndef IN_DETACH
#define IN_DETACH(s, leaves)
#endif
#include <tenon/plugin.h>

struct seat { /* child data */
    uint32_t nr;
    struct seat *older;
};
static const struct tn_bus_type gadget_bus;
static const struct tn_class part;

#define OWN_MEMORY /* the youngest seat */
#define KEEPS_MEMORY
#define IN_REALIZE(s, e)                                                                \
    do {                                                                                \
        struct tn_bus *b_;                                                              \
        int r_ = s->d->core->bus_create(s->d, &gadget_bus, "gadgets", NULL, s, &b_, e); \
        if (r_ < 0)                                                                     \
            return r_;                                                                  \
    } while (0)
#define CLASSES &gadget, &part, NULL
#include "device.h"

static int sits_down(void *bus, void *child, struct tn_dev *d, const void *ops, void *s,
                     struct tn_err *e)
{
    struct gadget *g = bus;
    struct seat *x = child;
    (void)d, (void)ops, (void)s, (void)e;
    x->older = g->memory;
    g->memory = x;
    return 0;
}

static void leaves(void *bus, void *child)
{
    struct gadget *g = bus;
    struct seat *x = g->memory;
    IN_DETACH(g, child);
    if (x == child) {
        g->memory = x->older;
        return;
    }
    while (x && x->older != child)
        x = x->older;
    if (x)
        x->older = x->older->older;
}

static const struct tn_prop seat_props[] = {
    TN_PROP(struct seat, nr, "nr", U32, 0, "which"),
};
static const struct tn_bus_type gadget_bus = {.struct_size = sizeof gadget_bus,
                                              .name = "gadget-bus",
                                              .props = seat_props,
                                              .nprops = 1,
                                              .prop_stride = sizeof seat_props[0],
                                              .child_size = SEAT_SIZE,
                                              .attach = sits_down,
                                              .detach = leaves};

/* Without anything of its own */
static const struct tn_class part = {.struct_size = sizeof part,
                                     .kind = TN_K_DEVICE,
                                     .name = "part",
                                     .desc = "what sits on a gadget",
                                     .bus = "gadget-bus",
                                     .instance_size = 64};
