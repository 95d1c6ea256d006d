/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the life of instances share: a machine, devices from a line of options, and
 * their diary. */
#ifndef TN_TEST_DEVICE_RIG_H
#define TN_TEST_DEVICE_RIG_H
#include "actor.h"
#include "core/bus.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>

static struct vm *vm;

static inline struct device *add(const char *options)
{
    return fixture_add(vm, TN_K_DEVICE, options);
}

/* ---- lock domains ---- */

static int join_realize(void *s, struct tn_err *e);

struct joiner {
    struct tn_dev *dev, *other;
    uint32_t late;
    struct tn_timer *timer;
};

static const struct tn_prop join_props[] = {
    TN_PROP_ROW(struct joiner, other, "other", LINK, 0, 0, 0, 0, 0, NULL, NULL, NULL),
    TN_PROP(struct joiner, late, "late", U32, 0, NULL),
};

static inline int join_init(void *s, struct tn_dev *d)
{
    ((struct joiner *)s)->dev = d;
    return 0;
}

static const struct tn_class joiner = {.struct_size = sizeof joiner,
                                       .flags = TN_C_HOTPLUG,
                                       .name = "joiner",
                                       .instance_size = sizeof(struct joiner),
                                       .props = join_props,
                                       .nprops = 2,
                                       .prop_stride = sizeof join_props[0],
                                       .init = join_init,
                                       .realize = join_realize};

FIXTURE_PLUGIN(joiners, &joiner);

static inline void nothing(void *s)
{
    (void)s;
}

static inline int join_realize(void *s, struct tn_err *e)
{
    struct joiner *j = s;
    if (j->late)
        j->timer = TN_GET(j->dev, struct tn_loop, TN_LOOP_1)
                       ->timer(j->dev, NULL, 0, TN_CLK_VM, nothing, j);
    int r = j->dev->core->join(j->dev, j->other, e);
    if (r == 0 && !domain_held(device_of(j->other)->domain))
        return tn_fail(j->dev, e, EINVAL, "realize goes on without the lock");
    return r;
}

#endif
