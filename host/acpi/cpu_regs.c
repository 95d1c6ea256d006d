/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpu_regs.h"

static struct plug_slot *selected(const struct cpu_regs *r)
{
    return r->selector < r->n ? &r->slot[r->selector] : 0;
}

void cpu_regs_reset(struct cpu_regs *r)
{
    r->selector = 0;
    r->command = CPU_CMD_NEXT_EVENT;
}

static uint32_t data(const struct cpu_regs *r)
{
    return r->command == CPU_CMD_NEXT_EVENT ? r->selector
           : r->command == CPU_CMD_ARCH_ID  ? r->apic_id[r->selector]
                                            : 0;
}

uint32_t cpu_regs_read(const struct cpu_regs *r, uint64_t off, uint32_t size)
{
    const struct plug_slot *s = selected(r);
    if (s && off == CPU_REG_FLAGS)
        return plug_status(s);
    if (s && off == CPU_REG_DATA && size == 4)
        return data(r);
    return 0; /* the upper half of an APIC id, too */
}

/* From the selected slot on, round the end; nothing changes if no slot has an event. */
static void next_event(struct cpu_regs *r)
{
    for (uint32_t k = 0; k < r->n; k++) {
        uint32_t i = (r->selector + k) % r->n;
        if (r->slot[i].inserting || r->slot[i].removing) {
            r->selector = i;
            return;
        }
    }
}

static void command(struct cpu_regs *r, uint32_t v)
{
    if (v >= CPU_CMDS)
        return;
    r->command = (uint8_t)v;
    if (v == CPU_CMD_NEXT_EVENT)
        next_event(r);
}

static void put_data(struct cpu_regs *r, struct plug_slot *s, uint32_t v)
{
    if (r->command == CPU_CMD_OST_EVENT)
        s->ost_event = v;
    if (r->command == CPU_CMD_OST_STATUS) {
        s->ost_status = v;
        r->env->ost(r->opaque, r->selector);
    }
}

void cpu_regs_write(struct cpu_regs *r, uint64_t off, uint32_t size, uint32_t v)
{
    struct plug_slot *s = selected(r);
    if (off == CPU_REG_SELECTOR && size == 4)
        r->selector = v;
    else if (s && off == CPU_REG_FLAGS)
        plug_control(s, r->selector, v, r->env, r->opaque);
    else if (s && off == CPU_REG_COMMAND)
        command(r, v & 0xff);
    else if (s && off == CPU_REG_DATA && size == 4)
        put_data(r, s, v);
}
