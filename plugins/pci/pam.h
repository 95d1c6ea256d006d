/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of Intel's host bridges that say which RAM below 1 MiB answers. PAM: the segments
 * between 768 KiB and 1 MiB; 440FX (290549) 3.2.18, 3 Series (316966) 5.1.18 to 5.1.24. SMRAM: what
 * is for system management mode; 440FX 3.2.23, 3 Series 5.1.27. */
#ifndef PCI_PAM_H
#define PCI_PAM_H
#include "config_regs.h"

enum { PAM_REGS = 7 };

/* The map becomes what the seven registers from pam0 on say. A segment with WE alone is as one with
 * neither: no host can send writes one way and reads another. [main][vcpu][dev] */
void pam_apply(const struct config_regs *c, uint32_t pam0);

/* The registers say that all segments are RAM, as firmware leaves them. [main] */
void pam_all_ram(const struct config_regs *c, uint32_t pam0);

#define SMRAM_G_SMRAME 0x08u
#define SMRAM_D_LCK    0x10u
#define SMRAM_D_OPEN   0x40u

/* What a write leaves of SMRAM (in the lowest byte) and what is locked with it: old is what was
 * there, written what would be. D_LCK keeps all, and itself, until a reset; it clears D_OPEN. */
static inline uint32_t smram_next(uint32_t old, uint32_t written)
{
    if (old & SMRAM_D_LCK)
        return old;
    return written & SMRAM_D_LCK ? written & ~SMRAM_D_OPEN : written;
}

#endif
