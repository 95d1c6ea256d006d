/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam.h"

#include <tenon/shadow.h>

#define SEGMENTS_BASE 0xc0000u
#define SEGMENT_SIZE  0x4000u
#define BIOS_BASE     0xf0000u
#define BIOS_SIZE     0x10000u
enum { SEGMENTS = 12 };

static uint32_t mode(uint32_t bits)
{
    if (!(bits & PAM_RE))
        return TN_SHADOW_NONE;
    return bits & PAM_WE ? TN_SHADOW_RAM : TN_SHADOW_READ;
}

void pam_apply(struct tn_dev *d, const uint8_t reg[PAM_REGS])
{
    const struct tn_shadow *s = TN_GET(d, struct tn_shadow, TN_SHADOW_1);
    s->set(d, BIOS_BASE, BIOS_SIZE, mode(reg[0] >> 4));
    for (uint32_t i = 0; i < SEGMENTS; i++)
        s->set(d, SEGMENTS_BASE + i * SEGMENT_SIZE, SEGMENT_SIZE,
               mode(reg[1 + i / 2] >> (i % 2 ? 4 : 0)));
}
