/* SPDX-License-Identifier: BSD-2-Clause */
#include "mch_smm.h"

#include "mch_regs.h"
#include "pci/pam.h"
#include <tenon/shadow.h>

#define MIB         0x100000ull
#define SMBASE      0x30000ull /* where a processor's SMBASE is after a reset */
#define SMBASE_SIZE 0x20000ull

/* 5.1.28, TSEG_SZ */
static uint64_t tseg_size(const struct mch_smm *s, uint32_t esmramc)
{
    const uint64_t mib[] = {1, 2, 8, s->extended_mib};
    return mib[(esmramc & MCH_ESMRAMC_TSEG_SZ) >> 1] * MIB;
}

/* 5.1.27 and 5.1.28: TSEG is at the top of memory while T_EN and G_SMRAME are set. */
static void apply_tseg(struct mch_smm *s, struct tn_dev *d, const struct tn_shadow *host,
                       const struct mch_smm_regs *r)
{
    int on = (r->esmramc & MCH_ESMRAMC_T_EN) && (r->smram & SMRAM_G_SMRAME);
    uint64_t len = on ? tseg_size(s, r->esmramc) : 0;
    if (len >= s->top)
        len = 0;
    if (len == s->tseg_len)
        return;
    if (s->tseg_len)
        host->set(d, s->tseg, s->tseg_len, TN_SHADOW_RAM);
    s->tseg = s->top - len;
    s->tseg_len = len;
    if (len)
        host->set(d, s->tseg, len, TN_SHADOW_NONE);
}

void mch_smm_apply(struct mch_smm *s, struct tn_dev *d, const struct mch_smm_regs *r)
{
    const struct tn_shadow *host = TN_GET(d, struct tn_shadow, TN_SHADOW_1);
    int locked = s->smbase_smram && r->smbase == MCH_F_SMBASE_LCK;
    host->set(d, SMBASE, SMBASE_SIZE, locked ? TN_SHADOW_NONE : TN_SHADOW_RAM);
    apply_tseg(s, d, host, r);
}

uint32_t mch_smbase_next(uint32_t old, uint32_t value)
{
    if (old == MCH_F_SMBASE_LCK)
        return old;
    if (value == MCH_F_SMBASE_QUERY)
        return MCH_F_SMBASE_IN_RAM;
    return value == MCH_F_SMBASE_LCK && old == MCH_F_SMBASE_IN_RAM ? value : 0;
}
