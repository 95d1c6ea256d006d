/* SPDX-License-Identifier: BSD-2-Clause */
#include "config_regs.h"

#define SPECIFIC_FIRST 0x40u
#define SPECIFIC_LAST  0xffu

int config_regs_realize(struct config_regs *c, struct tn_dev *d, const struct config_reg *reg,
                        uint32_t n, struct tn_err *e)
{
    uint32_t len = SPECIFIC_LAST - SPECIFIC_FIRST + 1;
    *c = (struct config_regs){
        .dev = d, .pci = TN_GET(d, struct tn_pci, TN_PCI_1), .reg = reg, .n = n};
    int r = c->pci->config_trap(d, SPECIFIC_FIRST, len, TN_TRAP_WRITE);
    return r < 0 ? tn_fail(d, e, -r, "configuration space cannot be trapped") : 0;
}

void config_regs_reset(const struct config_regs *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        config_regs_set(c, c->reg[i].off, c->reg[i].size, c->reg[i].reset);
}

uint32_t config_regs_get(const struct config_regs *c, uint32_t off, uint32_t size)
{
    uint32_t v = 0;
    c->pci->config_read(c->dev, off, size, &v);
    return v;
}

void config_regs_set(const struct config_regs *c, uint32_t off, uint32_t size, uint32_t value)
{
    c->pci->config_set(c->dev, off, size, value);
}

/* Bits of the byte at off that the guest writes. */
static uint32_t writable(const struct config_regs *c, uint32_t off)
{
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t byte = off - c->reg[i].off;
        if (off >= c->reg[i].off && byte < c->reg[i].size)
            return c->reg[i].wmask >> (8 * byte) & 0xff;
    }
    return 0;
}

void config_regs_write(const struct config_regs *c, uint32_t off, uint32_t size, uint32_t value)
{
    for (uint32_t i = 0; i < size && i < 4; i++) {
        uint32_t mask = writable(c, off + i);
        uint32_t old = mask ? config_regs_get(c, off + i, 1) : 0;
        if (mask)
            config_regs_set(c, off + i, 1, (old & ~mask) | (value >> (8 * i) & mask));
    }
}
