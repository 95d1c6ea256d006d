/* SPDX-License-Identifier: BSD-2-Clause */
#include "mem_regs.h"

void mem_regs_reset(struct mem_regs *r)
{
    r->selector = 0;
}

static uint32_t of_module(const struct mem_module *m, uint64_t off)
{
    switch (off) {
    case MEM_REG_ADDR_LOW:
        return (uint32_t)m->addr;
    case MEM_REG_ADDR_HIGH:
        return (uint32_t)(m->addr >> 32);
    case MEM_REG_LEN_LOW:
        return (uint32_t)m->len;
    case MEM_REG_LEN_HIGH:
        return (uint32_t)(m->len >> 32);
    case MEM_REG_PROXIMITY:
        return m->node;
    default:
        return 0;
    }
}

uint32_t mem_regs_read(const struct mem_regs *r, uint64_t off, uint32_t size)
{
    if (r->selector >= r->n)
        return 0;
    const struct plug_slot *s = &r->slot[r->selector];
    if (off == MEM_REG_FLAGS)
        return plug_status(s);
    return s->present && size == 4 ? of_module(&r->module[r->selector], off) : 0;
}

static void put(struct mem_regs *r, uint64_t off, uint32_t v)
{
    struct plug_slot *s = &r->slot[r->selector];
    switch (off) {
    case MEM_REG_OST_EVENT:
        s->ost_event = v;
        break;
    case MEM_REG_OST_STATUS:
        s->ost_status = v;
        r->env->ost(r->opaque, r->selector);
        break;
    case MEM_REG_FLAGS:
        plug_control(s, r->selector, v, r->env, r->opaque);
        break;
    default: /* read only, or nothing */
        break;
    }
}

void mem_regs_write(struct mem_regs *r, uint64_t off, uint32_t size, uint32_t v)
{
    if (off == MEM_REG_SELECTOR && size == 4)
        r->selector = v;
    else if (r->selector < r->n && (size == 4 || off == MEM_REG_FLAGS))
        put(r, off, v);
}
