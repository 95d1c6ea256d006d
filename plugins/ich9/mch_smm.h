/* SPDX-License-Identifier: BSD-2-Clause */
/* RAM that is for system management mode. No processor is ever in it here, so what belongs to it
 * nobody sees. */
#ifndef MCH_SMM_H
#define MCH_SMM_H
#include <tenon/core.h>

struct mch_smm {
    uint64_t top; /* end of RAM below 4 GiB */
    uint32_t extended_mib, smbase_smram;
    uint64_t tseg, tseg_len; /* what is hidden; len 0: nothing */
};
struct mch_smm_regs {
    uint8_t smbase, smram, esmramc;
};

/* The map becomes what the registers say. [main][vcpu][dev] */
void mch_smm_apply(struct mch_smm *s, struct tn_dev *d, const struct mch_smm_regs *r);
/* F_SMBASE after a write of value, when it was old. [any] */
uint32_t mch_smbase_next(uint32_t old, uint32_t value);

#endif
