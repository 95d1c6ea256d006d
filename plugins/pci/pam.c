/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam.h"

#include <tenon/shadow.h>

#define SEGMENTS_BASE 0xc0000u
#define SEGMENT_SIZE  0x4000u
#define BIOS_BASE     0xf0000u
#define BIOS_SIZE     0x10000u
enum { SEGMENTS = 12 };
enum {
    RE = 1,
    WE = 2,
    RAM = RE | WE
}; /* of a segment: PAM0 has one in its upper half, PAM1 to 6 two */

static uint32_t mode(uint32_t bits)
{
    if (!(bits & RE))
        return TN_SHADOW_NONE;
    return bits & WE ? TN_SHADOW_RAM : TN_SHADOW_READ;
}

void pam_apply(const struct config_regs *c, uint32_t pam0)
{
    const struct tn_shadow *s = TN_GET(c->dev, struct tn_shadow, TN_SHADOW_1);
    s->set(c->dev, BIOS_BASE, BIOS_SIZE, mode(config_regs_get(c, pam0, 1) >> 4));
    for (uint32_t i = 0; i < SEGMENTS; i++)
        s->set(c->dev, SEGMENTS_BASE + i * SEGMENT_SIZE, SEGMENT_SIZE,
               mode(config_regs_get(c, pam0 + 1 + i / 2, 1) >> (i % 2 ? 4 : 0)));
}

void pam_all_ram(const struct config_regs *c, uint32_t pam0)
{
    config_regs_set(c, pam0, 1, RAM << 4);
    for (uint32_t i = 1; i < PAM_REGS; i++)
        config_regs_set(c, pam0 + i, 1, RAM << 4 | RAM);
}
