/* SPDX-License-Identifier: BSD-2-Clause */
/* PAM registers of Intel's host bridges: which of RAM's segments between 768 KiB and 1 MiB answer
 * reads and writes. 440FX (290549) 3.2.18; 3 Series (316966) 5.1.18 to 5.1.24. */
#ifndef PCI_PAM_H
#define PCI_PAM_H
#include <tenon/core.h>

enum { PAM_REGS = 7, PAM_RE = 1, PAM_WE = 2, PAM_ALL_RAM = 0x33 };

/* The map becomes what the seven registers say. A segment with WE alone is as one with neither: no
 * host can send writes one way and reads another. [main][vcpu][dev] */
void pam_apply(struct tn_dev *d, const uint8_t reg[PAM_REGS]);

#endif
