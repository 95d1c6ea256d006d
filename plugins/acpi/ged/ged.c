/* SPDX-License-Identifier: BSD-2-Clause */
#include "ged.h"
#include <errno.h>

/* The tables may call the interrupt edge or level. Level works as it is; for edge, each event must
 * make an edge of its own even if an earlier one, lost while the pin was masked, left the wire
 * high. */
int ged_event(struct ged *c, uint32_t events)
{
    if (!events || (events & ~c->events))
        return -EINVAL;
    if (c->pending)
        c->env->line(c->opaque, 0);
    c->pending |= events;
    c->env->line(c->opaque, 1);
    return 0;
}

uint64_t ged_selector_read(struct ged *c, uint64_t off, uint32_t size)
{
    uint32_t pending = c->pending;
    if (off != GED_SELECTOR || size != GED_SELECTOR_LEN)
        return 0;
    c->pending = 0;
    if (pending)
        c->env->line(c->opaque, 0);
    return pending;
}

void ged_wake(struct ged *c)
{
    c->sleep_sts |= GED_WAK_STS;
}

uint64_t ged_regs_read(const struct ged *c, uint64_t off, uint32_t size)
{
    if (size != 1)
        return 0;
    return off == GED_SLEEP_CTL ? c->sleep_ctl : off == GED_SLEEP_STS ? c->sleep_sts : 0;
}

static void write_sleep_ctl(struct ged *c, uint8_t value)
{
    c->sleep_ctl = value & GED_SLP_TYP;
    if (value & GED_SLP_EN)
        c->env->sleep(c->opaque, (value & GED_SLP_TYP) >> GED_SLP_TYP_SHIFT);
}

void ged_regs_write(struct ged *c, uint64_t off, uint32_t size, uint64_t value)
{
    if (size != 1)
        return;
    switch (off) {
    case GED_SLEEP_CTL:
        write_sleep_ctl(c, (uint8_t)value);
        break;
    case GED_SLEEP_STS:
        c->sleep_sts &= ~(uint8_t)value;
        break;
    case GED_RESET:
        if ((uint8_t)value == GED_RESET_VALUE)
            c->env->reset(c->opaque);
        break;
    }
}

void ged_init(struct ged *c, uint32_t events, const struct ged_env *env, void *opaque)
{
    *c = (struct ged){.events = events, .env = env, .opaque = opaque};
}

void ged_reset(struct ged *c)
{
    uint32_t pending = c->pending;
    c->pending = 0;
    c->sleep_ctl = c->sleep_sts = 0;
    if (pending)
        c->env->line(c->opaque, 0);
}

void ged_loaded(struct ged *c)
{
    c->pending &= c->events;
    c->sleep_ctl &= GED_SLP_TYP;
    c->sleep_sts &= GED_WAK_STS;
    c->env->line(c->opaque, c->pending != 0);
}
