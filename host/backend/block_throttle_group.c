/* SPDX-License-Identifier: BSD-2-Clause */
/* -object throttle-group, and the groups that -drive's throttling.* make. */
#include "block_impl.h"
#include "block_runtime.h"
#include "block_throttle.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/plugin.h>

struct throttle_group *throttle_group_find(struct vm *vm, const char *name)
{
    struct throttle_group *g;
    LIST_FOREACH(g, &block_state(vm)->groups, link)
    if (strcmp(g->name, name) == 0)
        return g;
    return NULL;
}

struct throttle_group *throttle_group_get(struct vm *vm, const char *name)
{
    struct throttle_group *g = throttle_group_find(vm, name);
    if (!g) {
        struct throttle_limits none;
        throttle_limits_init(&none);
        g = XNEW(struct throttle_group);
        g->name = xstrdup(name);
        g->clock = &vm->clock;
        g->clk = vm->clock.manual ? TN_CLK_VM : TN_CLK_REAL;
        pthread_mutex_init(&g->lock, NULL);
        TAILQ_INIT(&g->turns[0]);
        TAILQ_INIT(&g->turns[1]);
        throttle_init(&g->t, &none, clock_now(g->clock, g->clk));
        LIST_INSERT_HEAD(&block_state(vm)->groups, g, link);
    }
    g->refs++;
    return g;
}

void throttle_group_put(struct throttle_group *g)
{
    if (!g || --g->refs)
        return;
    LIST_REMOVE(g, link);
    pthread_mutex_destroy(&g->lock);
    free(g->name);
    free(g);
}

struct throttle_group *block_group(const struct tn_blk *b)
{
    return b->dev->pub.cls == &blk_throttle_class ? blk_throttle_group(b) : NULL;
}

void throttle_group_limit(struct throttle_group *g, const struct throttle_limits *l)
{
    pthread_mutex_lock(&g->lock);
    throttle_init(&g->t, l, clock_now(g->clock, g->clk));
    pthread_mutex_unlock(&g->lock);
}

/* ---- -object throttle-group ---- */

struct group_object {
    struct tn_dev *dev;
    struct throttle_limits limits;
    struct throttle_group *g;
};

static int group_init(void *s, struct tn_dev *d)
{
    ((struct group_object *)s)->dev = d;
    return 0;
}

static int no_negatives(const struct throttle_limits *l, struct tn_err *e)
{
    for (uint32_t i = 0; i < THROTTLE_BUCKETS; i++)
        if ((l->of[i].avg | l->of[i].max) >> 63)
            return err_set(e, EINVAL, "Property values cannot be negative");
    return 0;
}

static int apply_limits(struct group_object *o, struct tn_err *e)
{
    if (no_negatives(&o->limits, e) < 0 || throttle_limits_check(&o->limits, e) < 0)
        return -EINVAL;
    throttle_group_limit(o->g, &o->limits);
    return 0;
}

static int group_realize(void *s, struct tn_err *e)
{
    struct group_object *o = s;
    struct vm *vm = device_of(o->dev)->vm;
    const char *id = o->dev->core->id(o->dev);
    if (throttle_group_find(vm, id))
        return err_set(e, EEXIST, "A group with this name already exists");
    o->g = throttle_group_get(vm, id);
    return apply_limits(o, e);
}

static int group_changed(void *s, const char *name, struct tn_err *e)
{
    (void)name;
    return apply_limits(s, e);
}

static void group_fini(void *s)
{
    throttle_group_put(((struct group_object *)s)->g);
}

#define LIMIT(name, bucket, member, def, help)                                                   \
    TN_PROP_ROW(struct group_object, limits.of[bucket].member, name, U64, TN_PF_RUNTIME, 0, def, \
                0, 0, NULL, NULL, help)
#define BUCKET(name, bucket, what)                                       \
    LIMIT(name, bucket, avg, 0, what " a second; 0: no limit"),          \
        LIMIT(name "-max", bucket, max, 0, what " a second in a burst"), \
        LIMIT(name "-max-length", bucket, length, 1, "seconds of a burst")
#define LIMITS(prefix)                                                                           \
    BUCKET(prefix "bps-total", THROTTLE_BPS_TOTAL, "bytes"),                                     \
        BUCKET(prefix "bps-read", THROTTLE_BPS_READ, "bytes read"),                              \
        BUCKET(prefix "bps-write", THROTTLE_BPS_WRITE, "bytes written"),                         \
        BUCKET(prefix "iops-total", THROTTLE_IOPS_TOTAL, "requests"),                            \
        BUCKET(prefix "iops-read", THROTTLE_IOPS_READ, "reads"),                                 \
        BUCKET(prefix "iops-write", THROTTLE_IOPS_WRITE, "writes"),                              \
        TN_PROP_ROW(struct group_object, limits.op_size, prefix "iops-size", U64, TN_PF_RUNTIME, \
                    0, 0, 0, 0, NULL, NULL, "bytes that count as one request; 0: any number")

static const struct tn_prop group_props[] = {LIMITS("x-"), LIMITS("limits.")};

const struct tn_class throttle_group_class = {
    .struct_size = sizeof(struct tn_class),
    .flags = TN_C_HOTPLUG,
    .kind = TN_K_OBJECT,
    .name = "throttle-group",
    .desc = "Limits of bytes and requests a second that drives share",
    .instance_size = sizeof(struct group_object),
    .props = group_props,
    .nprops = sizeof group_props / sizeof group_props[0],
    .prop_stride = sizeof group_props[0],
    .init = group_init,
    .realize = group_realize,
    .fini = group_fini,
    .prop_changed = group_changed,
};
