/* SPDX-License-Identifier: BSD-2-Clause */
/* gpio-not: an inverter on one pin of a gpio-bus. What the guest drives comes back, inverted, after `delay`
 * nanoseconds of guest time. It knows gpio.h, and not what the bank is. */
#include "gpio.h"
#include <errno.h>
#include <tenon/loop.h>
#include <tenon/plugin.h>

struct inverter {
    struct tn_dev *dev;
    const struct tn_loop *loop;
    const struct gpio_pin *pin;
    void *p; /* pin's first argument */
    struct tn_timer *timer;
    uint64_t delay; /* property */
    uint8_t level;  /* state: what the guest drives */
};

static void answer(void *self)
{
    const struct inverter *s = self;
    s->pin->drive(s->p, !s->level);
}

/* A completion never runs inside the call that it completes: the answer comes from the timer. */
static void driven(void *self, uint32_t level)
{
    struct inverter *s = self;
    s->level = level & 1;
    s->loop->arm(s->timer, s->loop->now(s->dev, TN_CLK_VM) + s->delay);
}

static const struct gpio_part part = {.struct_size = sizeof part, .driven = driven};

static int init(void *self, struct tn_dev *d)
{
    struct inverter *s = self;
    s->dev = d;
    return 0;
}

static int realize(void *self, struct tn_err *e)
{
    struct inverter *s = self;
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    s->pin = s->dev->core->port(s->dev, &s->p);
    s->timer = s->loop->timer(s->dev, NULL, 0, TN_CLK_VM, answer, s);
    return s->timer ? 0 : tn_fail(s->dev, e, ENOMEM, "no memory for a timer");
}

/* HOLD: the bank has forgotten everything in ENTER, and takes levels now. */
static void reset(void *self, uint32_t kind, uint32_t phase)
{
    struct inverter *s = self;
    (void)kind;
    if (phase == TN_RESET_HOLD)
        driven(s, 0);
}

static const struct tn_prop props[] = {
    TN_PROP_RANGE(struct inverter, delay, "delay", U64, 1000, 0, 1000000000, "ns until the answer"),
};

static const struct tn_field fields[] = {
    TN_FIELD(struct inverter, level, U8),
    TN_FIELD(struct inverter, timer, TIMER),
};
static const struct tn_state state = {.struct_size = sizeof state,
                                      .version = 1,
                                      .min_version = 1,
                                      .name = "gpio-not",
                                      .fields = fields,
                                      .nfields = sizeof fields / sizeof fields[0],
                                      .field_stride = sizeof fields[0]};

static const struct tn_class inverter = {.struct_size = sizeof inverter,
                                         .flags = TN_C_HOTPLUG,
                                         .kind = TN_K_DEVICE,
                                         .category = TN_CAT_MISC,
                                         .name = "gpio-not",
                                         .desc = "inverter on a pin (example)",
                                         .bus = GPIO_BUS,
                                         .instance_size = sizeof(struct inverter),
                                         .props = props,
                                         .nprops = sizeof props / sizeof props[0],
                                         .prop_stride = sizeof props[0],
                                         .state = &state,
                                         .bus_ops = &part,
                                         .init = init,
                                         .realize = realize,
                                         .reset = reset};

static const struct tn_class *const classes[] = {&inverter, NULL};
static const char *const needs[] = {TN_LOOP_1, NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {.struct_size = sizeof tn_plugin_v1,
                                                 .abi_major = TN_ABI_MAJOR,
                                                 .abi_minor = TN_ABI_MINOR,
                                                 .id = "gpio-not",
                                                 .version = "1.0",
                                                 .license = "BSD-2-Clause",
                                                 .summary = "inverter on a pin (example)",
                                                 .classes = classes,
                                                 .needs = needs};
