/* SPDX-License-Identifier: BSD-2-Clause */
/* The small conforming device as a provider: a bus of eight places, and a class for it that does
 * nothing; broken by macros. */
#include <stdint.h>
enum { PLACES = 8 };
#define ANY_PLACE UINT32_MAX
#ifndef BOUND
#define BOUND(s, at)  \
    if (at >= PLACES) \
    return tn_fail(d, e, EINVAL, "there is no place %u", at)
#endif
#ifndef TAKEN
#define TAKEN(s, at)           \
    if ((s)->pad[0] >> at & 1) \
    return tn_fail(d, e, EBUSY, "place %u is taken", at)
#endif
#ifndef NEXT
#define NEXT(s) (uint32_t) __builtin_ctz(~(uint32_t)(s)->pad[0])
#endif
#ifndef IN_CHECK
#define IN_CHECK(s)
#endif
#ifndef IN_DETACH
#define IN_DETACH(s, k) (s)->pad[0] &= (uint8_t) ~(1u << (k)->place)
#endif
#ifndef PATH
#define PATH(buf, len, k) snprintf(buf, len, "%u", (k)->place)
#endif
#ifndef PLACE_FLAGS
#define PLACE_FLAGS 0
#endif
#ifndef BUS_CALLS
#define BUS_CALLS .flags = 0
#endif
#define IN_REALIZE(s, e)                                                           \
    do {                                                                           \
        struct tn_bus *bus_;                                                       \
        int r_ = s->d->core->bus_create(s->d, &rack_bus, NULL, NULL, s, &bus_, e); \
        if (r_ < 0)                                                                \
            return r_;                                                             \
    } while (0)
#define CLASSES &gadget, &blade, NULL
#include <tenon/bus.h>
#include <tenon/class.h>
static const struct tn_bus_type rack_bus;
static const struct tn_class blade;
#include "device.h"

struct blade_child {
    uint32_t place, plugged;
};

static int check(void *bus, void *child, struct tn_dev *d, const void *ops, struct tn_err *e)
{
    struct gadget *s = bus;
    struct blade_child *k = child;
    uint32_t at = k->place == ANY_PLACE ? NEXT(s) : k->place;
    (void)ops, (void)d, (void)e;
    IN_CHECK(s);
    BOUND(s, at);
    TAKEN(s, at);
    k->place = at;
    s->pad[0] |= (uint8_t)(1u << at);
    return 0;
}

static int plugged(void *bus, void *child, struct tn_err *e)
{
    (void)bus, (void)e;
    ((struct blade_child *)child)->plugged = 1;
    return 0;
}

static void detach(void *bus, void *child)
{
    struct gadget *s = bus;
    const struct blade_child *k = child;
    (void)s, (void)k;
    IN_DETACH(s, k);
}

static int path(void *bus, void *child, char *buf, uint64_t len)
{
    const struct blade_child *k = child;
    (void)bus, (void)len;
    return PATH(buf, len, k);
}

static const struct tn_prop place_props[] = {{.name = "place",
                                              .type = TN_P_U32,
                                              .flags = PLACE_FLAGS,
                                              .offset = offsetof(struct blade_child, place),
                                              .size = 4,
                                              .defval = ANY_PLACE}};
static const struct tn_bus_type rack_bus = {.struct_size = sizeof rack_bus,
                                            .name = "rack",
                                            .props = place_props,
                                            .nprops = 1,
                                            .prop_stride = sizeof place_props[0],
                                            .child_size = sizeof(struct blade_child),
                                            .check = check,
                                            .plugged = plugged,
                                            .detach = detach,
                                            .path = path,
                                            BUS_CALLS};
static int blade_init(void *self, struct tn_dev *d)
{
    *(struct tn_dev **)self = d;
    return 0;
}
static const struct tn_class blade = {.struct_size = sizeof blade,
                                      .kind = TN_K_DEVICE,
                                      .name = "blade",
                                      .desc = "sits in a rack",
                                      .bus = "rack",
                                      .instance_size = sizeof(void *),
                                      .init = blade_init};
