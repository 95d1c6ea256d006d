/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two kinds of pvpanic share: the register. */
#ifndef TN_PVPANIC_H
#define TN_PVPANIC_H
#include "pvpanic_regs.h"
#include <tenon/class.h>

extern const struct tn_class pvpanic_isa_class, pvpanic_pci_class;

/* The guest d reports value; events are those that it was offered. [vcpu][dev] */
void pvpanic_report(struct tn_dev *d, uint32_t events, uint64_t value);

#endif
