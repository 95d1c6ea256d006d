/* SPDX-License-Identifier: BSD-2-Clause */
#include "reset_cf9.h"

static uint32_t kind_of(uint8_t rcr)
{
    if (!(rcr & RESET_CF9_SYS_RST))
        return RESET_CF9_INIT;
    return rcr & RESET_CF9_FULL_RST ? RESET_CF9_POWER : RESET_CF9_HARD;
}

void reset_cf9_init(struct reset_cf9 *c, const struct reset_cf9_env *env, void *opaque)
{
    *c = (struct reset_cf9){.env = env, .opaque = opaque};
}

void reset_cf9_reset(struct reset_cf9 *c)
{
    c->rcr = 0;
}

uint32_t reset_cf9_read(const struct reset_cf9 *c)
{
    return c->rcr;
}

void reset_cf9_write(struct reset_cf9 *c, uint32_t value)
{
    uint8_t old = c->rcr;
    c->rcr = value & (RESET_CF9_SYS_RST | RESET_CF9_RST_CPU | RESET_CF9_FULL_RST);
    if (c->rcr & ~old & RESET_CF9_RST_CPU)
        c->env->reset(c->opaque, kind_of(c->rcr));
}
