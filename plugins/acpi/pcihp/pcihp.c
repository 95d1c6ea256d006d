/* SPDX-License-Identifier: BSD-2-Clause */
#include "pcihp.h"

void pcihp_init(struct pcihp *c, const struct pcihp_ops *ops, void *s)
{
    *c = (struct pcihp){.ops = ops, .s = s};
}

void pcihp_reset(struct pcihp *c)
{
    c->up = c->select = 0;
}

static uint32_t bit(uint32_t slot)
{
    return 1u << (slot & 31);
}

void pcihp_plug(struct pcihp *c, uint32_t slot)
{
    c->up |= bit(slot);
    c->ops->raise(c->s);
}

void pcihp_ask(struct pcihp *c, uint32_t slot)
{
    c->down |= bit(slot);
    c->ops->raise(c->s);
}

void pcihp_removed(struct pcihp *c, uint32_t slot)
{
    c->up &= ~bit(slot);
    c->down &= ~bit(slot);
}

/* Of the one bus that there is. UP is taken by the read: a slot is announced once. */
static uint32_t slots(struct pcihp *c, uint64_t off)
{
    uint32_t v = 0;
    switch (off) {
    case PCIHP_UP:
        v = c->up;
        c->up = 0;
        break;
    case PCIHP_DOWN:
        v = c->down;
        break;
    case PCIHP_RMV:
        v = c->ops->removable(c->s);
        break;
    default:
        break;
    }
    return v;
}

uint32_t pcihp_read(struct pcihp *c, uint64_t off, uint32_t size)
{
    if (size != 4)
        return UINT32_MAX;
    if (off == PCIHP_SELECT)
        return c->select;
    return c->select ? 0 : slots(c, off);
}

static void refuse(struct pcihp *c, uint32_t v)
{
    uint32_t kept = v & c->down;
    c->down &= ~kept;
    if (kept)
        c->ops->refuse(c->s, kept);
}

void pcihp_write(struct pcihp *c, uint64_t off, uint32_t size, uint32_t v)
{
    if (size != 4)
        return;
    if (off == PCIHP_SELECT)
        c->select = v;
    else if (off == PCIHP_EJECT && !c->select && (v & c->ops->removable(c->s)))
        c->ops->eject(c->s, v & c->ops->removable(c->s));
    else if (off == PCIHP_REFUSE && !c->select)
        refuse(c, v);
}
