/* SPDX-License-Identifier: BSD-2-Clause */
/* Plugins that a host must refuse, one per macro; see bad_plugins.py. */
#include <errno.h>
#include <tenon/plugin.h>
#include <tenon/region.h>

#ifndef MAJOR
#define MAJOR TN_ABI_MAJOR
#endif
#ifndef MIN_MINOR
#define MIN_MINOR TN_ABI_MINOR
#endif
#ifndef NEED
#define NEED TN_REGION_1
#endif
#ifndef CLASS_NAME
#define CLASS_NAME "half-way"
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE sizeof(struct tn_plugin)
#endif
#ifndef CLASS_SIZE
#define CLASS_SIZE sizeof(struct tn_class)
#endif
#ifndef ID
#define ID "half-way"
#endif
#ifndef VERSION
#define VERSION "1"
#endif
#ifndef PROP_SIZE
#define PROP_SIZE 4
#endif
#ifndef NPROPS
#define NPROPS 1
#endif

struct half_way {
    struct tn_dev *dev;
    uint32_t port;
};

static int init(void *self, struct tn_dev *d)
{
    struct half_way *s = self;
    s->dev = d;
    return 0;
}

static const struct tn_region_ops ops = {.struct_size = sizeof ops};

/* Takes what it can get, and fails then. */
static int realize(void *self, struct tn_err *e)
{
    struct half_way *s = self;
    const struct tn_regions *regions = TN_GET(s->dev, struct tn_regions, TN_REGION_1);
    const struct tn_region_req want = {.struct_size = sizeof want, .space = TN_SPACE_PIO, .base = s->port, .size = 8, .name = "x"};
    struct tn_region *region;
    int r = regions->add(s->dev, &want, &ops, s, &region, e);
    return r < 0 ? r : tn_fail(s->dev, e, EIO, "the fuse of port 0x%x is blown", s->port);
}

static const struct tn_prop props[] = {
    {.name = "port", .type = TN_P_U32, .offset = offsetof(struct half_way, port), .size = PROP_SIZE, .defval = 0x2f0},
    TN_PROP(struct half_way, port, "port", U32, 0x2f0, NULL),
};

static const struct tn_class half_way_class = {
    .struct_size = CLASS_SIZE,
    .kind = TN_K_DEVICE,
    .name = CLASS_NAME,
    .bus = "ISA",
    .instance_size = sizeof(struct half_way),
    .props = props,
    .nprops = NPROPS,
    .prop_stride = sizeof props[0],
    .init = init,
    .realize = realize,
};

#ifdef ENDLESS
static const struct tn_class *const classes[] = {&half_way_class, (const struct tn_class *)8};
#else
static const struct tn_class *const classes[] = {&half_way_class, NULL};
#endif
static const char *const needs[] = {NEED, NULL};

#ifdef SYMBOL
extern TN_EXPORT const struct tn_plugin SYMBOL;
#else
#define SYMBOL tn_plugin_v1
#endif
const struct tn_plugin SYMBOL = {
    .struct_size = PLUGIN_SIZE,
    .abi_major = MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .min_host_minor = MIN_MINOR,
    .id = ID,
    .version = VERSION,
    .license = "BSD-2-Clause",
    .summary = "never works",
    .classes = classes,
    .needs = needs,
};
